import type { Client } from '../dataverse/client.ts';
import { RequestRejectedError, ThrottledError, UnknownTableError } from '../dataverse/errors.ts';
import { readTable } from '../dataverse/metadata.ts';
import type { TableMetadata } from '../dataverse/table.ts';
import { whoAmI } from '../dataverse/who-am-i.ts';
import { writeTargetOf } from '../dataverse/write-rows.ts';
import { compileMapping } from '../mapping/compile-mapping.ts';
import type { Fault } from '../plan/fault.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import { suspectDelimiter } from '../source/foreign-file.ts';
import type { SourceFormat, SourceHead } from '../source/source.ts';
import { findLookupKeys, type LookupKeys } from './lookup-keys.ts';
import { faultAt, type Faults } from './open-source.ts';
import type { StoredPlan } from './run-plan.ts';

/** What the environment says of a spec's table. */
export interface Target extends LookupKeys {
  readonly dopHint: number | undefined;
  readonly table: TableMetadata;
}

/** The target, a wait that the environment orders, or what is wrong. */
export type Opened = Target | { readonly waitSeconds: number } | Faults;

/**
 * Asks the environment who we are (and for its hint) and what the table looks like. Throws only where it gave no answer, or the signal's reason.
 */
export async function openTarget(client: Client, spec: RunSpec, signal?: AbortSignal): Promise<Opened> {
  try {
    const { dopHint } = await whoAmI(client, signal);
    const [table, lookups] = await Promise.all([
      readTable(client, spec.target.table, signal),
      findLookupKeys(client, spec, signal),
    ]);
    return { dopHint, table, ...lookups };
  } catch (error) {
    if (error instanceof ThrottledError) return { waitSeconds: Math.ceil(error.retryAfterMs / 1_000) };
    if (error instanceof UnknownTableError) return faultAt('/target/table', error.message);
    if (error instanceof RequestRejectedError)
      return faultAt('/connection', `Connection "${spec.connection}": ${error.message}`);
    throw error;
  }
}

/** Settles how the rows of a source become rows of the table, or lists every fault that stands against it. Pure. */
export function settlePlan(run: {
  readonly spec: RunSpec;
  readonly format: SourceFormat;
  readonly head: SourceHead;
  readonly target: Target;
  readonly runIdDigest: string;
}): StoredPlan | Faults {
  const { spec, format, head, target, runIdDigest } = run;
  const { table, lookupKeys } = target;
  const compiled = compileMapping({ spec, sourceColumns: head.columns, table, lookupKeys, runIdDigest });
  const faults = [...('faults' in compiled ? compiled.faults : []), ...target.lookupFaults];
  if (faults.length === 0 && 'plan' in compiled)
    return { format, head, table: writeTargetOf(target.table), mapping: compiled.plan };
  const suspicion = suspectDelimiter(format, head.columns);
  const first = suspicion === undefined ? [] : [{ pointer: '/source/delimiter', detail: suspicion }];
  return { faults: firstFaults([...first, ...faults]) };
}

/** A wide file that has nothing to do with the table has a fault in each column; what travels through a history stays small. */
const mostFaults = 50;

function firstFaults(faults: readonly Fault[]): readonly Fault[] {
  if (faults.length <= mostFaults) return faults;
  return [
    ...faults.slice(0, mostFaults),
    { pointer: '/mapping', detail: `${faults.length - mostFaults} more faults like these.` },
  ];
}
