import type { Client } from '../dataverse/client.ts';
import { DataverseError } from '../dataverse/errors.ts';
import type { Fault } from '../plan/fault.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { BlobSource } from '../source/blob-source.ts';
import type { SourcePin } from '../source/source.ts';
import { openTarget, settlePlan, type Target } from './check-run.ts';
import { createCountRows, type RowCount } from './count-rows.ts';
import { digestOf } from './digest.ts';
import { formatOf, openSource, type Faults } from './open-source.ts';

export interface CheckedPlan {
  readonly rows: RowCount;
  /** What the environment says; undefined where it did not answer. */
  readonly target: CheckedTarget | undefined;
  /** Why table and mapping are not checked; null when they are. */
  readonly unchecked: string | null;
}

export interface CheckedTarget {
  readonly dopHint: number | undefined;
  readonly byAlternateKey: boolean;
  readonly isElastic: boolean;
}

export interface CheckPlanDeps {
  readonly source: BlobSource;
  readonly clientOf: (connection: string) => Client;
}

/** An environment is given so long; who asked for a plan waits for it. */
const patienceMs = 20_000;

/**
 * Everything a run would find out before it sends a row, without leaving anything behind: environment, table, mapping, and the structure of the
 * source. All faults at once.
 */
export function createCheckPlan(
  deps: CheckPlanDeps,
  limits = { patienceMs },
): (spec: RunSpec, pin: SourcePin) => Promise<CheckedPlan | Faults> {
  const countRows = createCountRows(deps.source);
  return async (spec, pin) => {
    const format = formatOf(spec);
    const asking = askTarget(deps.clientOf(spec.connection), spec, limits.patienceMs);
    const head = await openSource(deps.source, pin, format);
    if ('faults' in head) return { faults: [...faultsOf(await asking), ...head.faults] };
    const [target, rows] = await Promise.all([asking, countRows(pin, format, head)]);
    const plan =
      'table' in target ? settlePlan({ spec, format, head, target, runIdDigest: digestOf(anyRun) }) : undefined;
    const faults = [...faultsOf(target), ...faultsOf(plan), ...faultsOf(rows)];
    if (faults.length > 0 || 'faults' in rows) return { faults };
    const unchecked = 'unchecked' in target ? target.unchecked : null;
    if (!('table' in target) || plan === undefined || 'faults' in plan) return { rows, target: undefined, unchecked };
    const byAlternateKey = plan.mapping.key.kind === 'alternate';
    const isElastic = target.table.tableType === 'Elastic';
    return { rows, target: { dopHint: target.dopHint, byAlternateKey, isElastic }, unchecked };
  };
}

/** Ids that a create would make from it are never sent. */
const anyRun = 'plan';

const faultsOf = (found: object | undefined): readonly Fault[] =>
  found !== undefined && 'faults' in found ? (found as Faults).faults : [];

type Asked = Target | Faults | { readonly unchecked: string };

/** What the environment says, or why nothing is known of it: it may be away while a plan is made. */
async function askTarget(client: Client, spec: RunSpec, withinMs: number): Promise<Asked> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Asked>((resolve) => {
    timer = setTimeout(
      () => resolve({ unchecked: `The environment did not answer within ${withinMs / 1_000} s.` }),
      withinMs,
    );
  });
  try {
    return await Promise.race([answerOf(client, spec, stop.signal), late]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function answerOf(client: Client, spec: RunSpec, signal: AbortSignal): Promise<Asked> {
  try {
    const target = await openTarget(client, spec, signal);
    if (!('waitSeconds' in target)) return target;
    return { unchecked: `The environment asks to wait ${target.waitSeconds} s.` };
  } catch (error) {
    if (error instanceof DataverseError || signal.aborted) return { unchecked: textOf(error) };
    throw error;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
