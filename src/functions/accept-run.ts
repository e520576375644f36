import { isDeepStrictEqual } from 'node:util';
import { OrchestrationRuntimeStatus, type DurableClient } from 'durable-functions';
import type { Manifest } from '../ledger/run-files.ts';
import { names } from '../names.ts';
import type { Fault } from '../plan/fault.ts';
import type { Lineage } from '../plan/lineage.ts';
import type { BulkRunInput } from '../plan/payloads.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { RunBounds } from '../plan/run-state.ts';
import type { Settings } from '../settings.ts';
import type { SourcePin } from '../source/source.ts';
import { readGovernor } from './read-governor.ts';
import type { RunsDeps } from './runs-deps.ts';

/** What a spec names that settings decide; also looked at in a spec that has other faults. */
interface NamedInSpec {
  readonly connection?: unknown;
  readonly source?: { readonly container?: unknown };
}

/** Faults of names that settings do not know. Values that are no names at all are the spec's own faults. */
function findSettingFaults({ settings }: RunsDeps, { connection, source }: NamedInSpec): readonly Fault[] {
  const faults: Fault[] = [];
  if (typeof connection === 'string' && connection !== '' && !settings.connections.has(connection)) {
    const configured = [...settings.connections.keys()].join(', ');
    const detail = `Connection "${connection}" is not configured. Configured: ${configured}.`;
    faults.push({ pointer: '/connection', detail });
  }
  const container = source?.container;
  if (typeof container === 'string' && container !== '' && !settings.sourceContainers.includes(container)) {
    const allowed = settings.sourceContainers.join(', ');
    const detail = `Container "${container}" is not one that sources may come from. Allowed: ${allowed}.`;
    faults.push({ pointer: '/source/container', detail });
  }
  return faults;
}

/** A spec with faults is also told which of its names the settings do not know, once for each place. */
export function withSettingFaults(deps: RunsDeps, json: unknown, faults: readonly Fault[]): readonly Fault[] {
  const named = typeof json === 'object' && json !== null ? (json as NamedInSpec) : {};
  const placed = new Set(faults.map(({ pointer }) => pointer));
  return [...faults, ...findSettingFaults(deps, named).filter(({ pointer }) => !placed.has(pointer))];
}

/** Checks what settings and storage can tell at once, and fixes the version of the source. */
export async function pinSource(
  deps: RunsDeps,
  spec: RunSpec,
): Promise<{ readonly pin: SourcePin } | { readonly faults: readonly Fault[] }> {
  const { container, blob } = spec.source;
  const faults = findSettingFaults(deps, spec);
  if (faults.some(({ pointer }) => pointer === '/source/container')) return { faults };
  const pinned = await deps.source.pin(container, blob);
  if (!('missing' in pinned)) return faults.length > 0 ? { faults } : { pin: pinned };
  const missing =
    pinned.missing === 'container'
      ? { pointer: '/source/container', detail: `Container "${container}" does not exist.` }
      : { pointer: '/source/blob', detail: `Blob "${blob}" does not exist in container "${container}".` };
  return { faults: [...faults, missing] };
}

export interface Acceptance {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly pin: SourcePin;
  /** The rows are those of an earlier run. */
  readonly lineage?: Lineage;
}

/**
 * Writes the manifest, then starts the orchestration. Safe to repeat after any failure in between.
 *
 * @returns false when another spec was accepted under this run id before
 */
export async function acceptRun(deps: RunsDeps, client: DurableClient, accepted: Acceptance): Promise<boolean> {
  const manifest = await deps.ledger.accept({ ...accepted, createdAt: new Date().toISOString() });
  if (!isSameRun(manifest, accepted)) return false;
  await ensureStarted(deps, client, manifest);
  return true;
}

export const isSameRun = (manifest: Manifest, asked: Pick<Acceptance, 'spec' | 'lineage'>): boolean =>
  isDeepStrictEqual(plain([manifest.spec, manifest.lineage]), plain([asked.spec, asked.lineage]));

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

/**
 * Starts the orchestration of an accepted run unless it lives or the run has ended. One that broke or was lost goes on from its parts, so
 * nothing is sent twice that has an outcome.
 */
export async function ensureStarted(
  { ledger, settings }: RunsDeps,
  client: DurableClient,
  manifest: Manifest,
): Promise<void> {
  const { runId, spec, lineage } = manifest;
  const status = await statusOf(client, runId);
  if (status !== undefined && !isGone(status.runtimeStatus)) return;
  if ((await ledger.readReport(runId)) !== undefined) return;
  const bounds = runBounds(settings, spec.connection);
  const { ceiling } = await readGovernor(client, spec.connection);
  const resume = (await ledger.readIndex(runId)) === undefined ? {} : { resume: true as const };
  const spool = lineage === undefined ? {} : { spool: true as const };
  try {
    const input: BulkRunInput = {
      runId,
      spec,
      bounds,
      ...(ceiling === undefined ? {} : { ceiling }),
      ...spool,
      ...resume,
    };
    await client.startNew(names.bulkRun, { instanceId: runId, input });
  } catch (error) {
    // Two callers at once: the host refuses the second start, and the run is there.
    if ((await statusOf(client, runId)) === undefined) throw error;
  }
}

/** What the settings let the runs of a connection do. */
export function runBounds(settings: Settings, name: string): RunBounds {
  const { maxLanes, settleSeconds } = settings;
  const connection = settings.connections.get(name);
  const maxDop = connection?.maxDop;
  const beyondHint = connection?.beyondHint ?? false;
  const affinity = connection?.serverAffinity === 'auto';
  return { maxLanes, settleSeconds, beyondHint, affinity, ...(maxDop === undefined ? {} : { maxDop }) };
}

/** States in which an orchestration does nothing more, though the run has no report. */
export const brokenStates: ReadonlySet<OrchestrationRuntimeStatus> = new Set([
  OrchestrationRuntimeStatus.Failed,
  OrchestrationRuntimeStatus.Terminated,
  OrchestrationRuntimeStatus.Canceled,
]);

export const isGone = (status: OrchestrationRuntimeStatus): boolean =>
  status === OrchestrationRuntimeStatus.Completed || brokenStates.has(status);

/** The instance's status, or undefined when the task hub does not know it. */
export async function statusOf(
  client: DurableClient,
  runId: string,
): Promise<Awaited<ReturnType<DurableClient['getStatus']>> | undefined> {
  try {
    return await client.getStatus(runId, { showInput: false });
  } catch (error) {
    if (error instanceof Error && error.message.includes('replied with HTTP 404')) return undefined;
    throw error;
  }
}
