import type { Client } from '../dataverse/client.ts';
import { RequestRejectedError, ThrottledError, UnknownTableError } from '../dataverse/errors.ts';
import { readTable } from '../dataverse/metadata.ts';
import { whoAmI } from '../dataverse/who-am-i.ts';
import { writeTargetOf } from '../dataverse/write-rows.ts';
import type { TableMetadata } from '../dataverse/table.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { compileMapping } from '../mapping/compile-mapping.ts';
import type { Fault } from '../plan/fault.ts';
import type { OpenRunInput, OpenRunOutput } from '../plan/payloads.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { suspectDelimiter } from '../source/foreign-file.ts';
import { readHead } from '../source/head.ts';
import { faultDetail, type SourceFormat, type SourceHead, type SourcePin } from '../source/source.ts';
import { digestOf } from './digest.ts';
import { findLookupKeys, type LookupKeys } from './lookup-keys.ts';
import type { StoredPlan } from './run-plan.ts';
import type { RecallWaits } from './wait-recall.ts';

export interface OpenRunDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
  readonly clientOf: (connection: string) => Client;
  readonly recallWaits: RecallWaits;
}

/**
 * Activity: asks the environment who we are (and for its hint), reads the table's metadata and the head of the source, compiles the
 * mapping and stores it. Returns every fault it finds; throws only when the platform or the environment gave no answer.
 */
export function createOpenRun(deps: OpenRunDeps): (input: OpenRunInput) => Promise<OpenRunOutput> {
  return async ({ runId, spec }) => {
    const manifest = await deps.ledger.manifest(runId);
    if (manifest === undefined) throw new Error(`Run ${runId} has no manifest.`);
    const spool = await deps.ledger.readSpool(runId);
    const format = spool?.format ?? formatOf(spec);
    const [target, head] = await Promise.all([
      recallAndOpen(deps, runId, spec),
      spool?.head ?? openSource(deps.source, manifest.pin, format),
    ]);
    const faults = [target, head].flatMap((opened) => ('faults' in opened ? opened.faults : []));
    if ('faults' in target || 'faults' in head) return { faults };
    if ('waitSeconds' in target) return target;

    const compiled = compileMapping({
      spec,
      sourceColumns: head.columns,
      table: target.table,
      lookupKeys: target.lookupKeys,
      // A row that is sent again keeps the id it had.
      runIdDigest: digestOf(manifest.lineage?.root ?? runId),
    });
    const mappingFaults = [...('faults' in compiled ? compiled.faults : []), ...target.lookupFaults];
    if (mappingFaults.length > 0 || 'faults' in compiled) {
      const suspicion = suspectDelimiter(format, head.columns);
      const first = suspicion === undefined ? [] : [{ pointer: '/source/delimiter', detail: suspicion }];
      return { faults: firstFaults([...first, ...mappingFaults]) };
    }
    const plan: StoredPlan = { format, head, table: writeTargetOf(target.table), mapping: compiled.plan };
    await deps.ledger.writeMapping(runId, plan);
    return target.dopHint === undefined ? {} : { dopHint: target.dopHint };
  };
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

export interface Faults {
  readonly faults: readonly Fault[];
}

type Target =
  | (LookupKeys & { readonly dopHint: number | undefined; readonly table: TableMetadata })
  | { readonly waitSeconds: number }
  | Faults;

/** A run that lost its orchestration may have been told to wait. */
async function recallAndOpen({ clientOf, recallWaits }: OpenRunDeps, runId: string, spec: RunSpec): Promise<Target> {
  const client = clientOf(spec.connection);
  await recallWaits(runId, client);
  return openTarget(client, spec);
}

async function openTarget(client: Client, spec: RunSpec): Promise<Target> {
  try {
    const { dopHint } = await whoAmI(client);
    const [table, lookups] = await Promise.all([readTable(client, spec.target.table), findLookupKeys(client, spec)]);
    return { dopHint, table, ...lookups };
  } catch (error) {
    if (error instanceof ThrottledError) return { waitSeconds: Math.ceil(error.retryAfterMs / 1_000) };
    if (error instanceof UnknownTableError) return faultAt('/target/table', error.message);
    if (error instanceof RequestRejectedError)
      return faultAt('/connection', `Connection "${spec.connection}": ${error.message}`);
    throw error;
  }
}

/** The head is usually in the first bytes; a longer one is read again in larger pieces. */
const firstReadBytes = 64 * 1024;

/** The head of a source, or why it cannot be read. */
export async function openSource(
  source: BlobSource,
  pin: SourcePin,
  format: SourceFormat,
): Promise<SourceHead | Faults> {
  try {
    for (let bytes = Math.min(firstReadBytes, pin.bytes); ; bytes = Math.min(bytes * 4, pin.bytes)) {
      const reading = readHead(await source.read(pin, 0, bytes), format, { complete: bytes === pin.bytes });
      if ('head' in reading) return reading.head;
      if ('fault' in reading) return faultAt('/source/blob', faultDetail(reading.fault));
      if (bytes === pin.bytes)
        throw new Error(`The head of "${pin.blob}" could not be read from all of its ${bytes} bytes.`);
    }
  } catch (error) {
    if (error instanceof SourceChangedError) return faultAt('/source/blob', error.message);
    throw error;
  }
}

export const faultAt = (pointer: string, detail: string): Faults => ({ faults: [{ pointer, detail }] });

export function formatOf({ source }: RunSpec): SourceFormat {
  return source.format === 'csv' ? { kind: 'csv', delimiter: source.delimiter } : { kind: 'jsonl' };
}
