import { setTimeout } from 'node:timers/promises';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { OrchestrationRuntimeStatus, type DurableClient } from 'durable-functions';
import type { Manifest } from '../ledger/run-files.ts';
import { cancelEvent } from '../names.ts';
import { ensureStarted, isGone, statusOf } from './accept-run.ts';
import { problem } from './problem.ts';
import { accepted, foreignProblem, isForeign, noSuchRun, runIdOf, type Handler } from './requests.ts';
import type { RunsDeps } from './runs-deps.ts';

type Control = (client: DurableClient, manifest: Manifest) => Promise<HttpResponseInit | undefined>;

/** Does something to a run that has not ended; `control` answers only when it refuses. */
const controlling =
  (deps: RunsDeps, control: Control): Handler =>
  async (request: HttpRequest, client) => {
    if (isForeign(request)) return foreignProblem();
    const runId = runIdOf(request);
    const manifest = await deps.ledger.manifest(runId);
    if (manifest === undefined) return noSuchRun();
    const report = await deps.ledger.readReport(runId);
    if (report !== undefined) return problem(409, `The run has ended as ${report.state}.`);
    return (await control(client, manifest)) ?? accepted(request, runId);
  };

const betweenLooksMs = 250;
const mostLooks = 20;

/**
 * Lets a suspended orchestration go on. One that was just suspended may still look as if it ran: where a pause was in force, its suspension is
 * waited for, or it would come after this and hold the run for good.
 */
async function goOn(
  client: DurableClient,
  runId: string,
  { reason, wasPaused }: { readonly reason: string; readonly wasPaused: boolean },
): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const status = await statusOf(client, runId);
    if (status?.runtimeStatus === OrchestrationRuntimeStatus.Suspended) return client.resume(runId, reason);
    if (!wasPaused || looks === mostLooks || status === undefined || isGone(status.runtimeStatus)) return;
    await setTimeout(betweenLooksMs);
  }
}

/** `POST /runs/{runId}/cancel`: lanes stop before their next request, a waiting or paused run wakes up. */
export const cancelRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, manifest) => {
    const { runId } = manifest;
    await deps.ledger.cancel(runId);
    const wasPaused = await deps.ledger.setPaused(runId, 'unpaused');
    // A run whose orchestration never came to life, or broke, has to live once more to close its books.
    await ensureStarted(deps, client, manifest);
    await client.raiseEvent(runId, cancelEvent, {});
    await goOn(client, runId, { reason: 'cancelled', wasPaused });
    return undefined;
  });

/** `POST /runs/{runId}/pause`: lanes stop before their next request, the orchestration is suspended. */
export const pauseRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, { runId }) => {
    const status = await statusOf(client, runId);
    if (status === undefined || isGone(status.runtimeStatus)) return problem(409, 'The run does not run.');
    if ((await deps.ledger.readStop(runId)) === 'cancelled') return cancelledProblem();
    await client.suspend(runId, 'paused');
    await deps.ledger.setPaused(runId, 'paused');
    if ((await deps.ledger.readStop(runId)) !== 'cancelled') return undefined;
    // A cancel came meanwhile. Whoever takes the mark away lets the run go on.
    const wasPaused = await deps.ledger.setPaused(runId, 'unpaused');
    await goOn(client, runId, { reason: 'cancelled', wasPaused });
    return cancelledProblem();
  });

const cancelledProblem = (): HttpResponseInit => problem(409, 'The run is being cancelled.');

/** `POST /runs/{runId}/unpause`: a paused run goes on. */
export const unpauseRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, { runId }) => {
    const wasPaused = await deps.ledger.setPaused(runId, 'unpaused');
    await goOn(client, runId, { reason: 'unpaused', wasPaused });
    return undefined;
  });

/** `POST /runs/{runId}/resume`: a run whose orchestration is gone goes on from its parts. */
export const resumeRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, manifest) => {
    const status = await statusOf(client, manifest.runId);
    if (status !== undefined && !isGone(status.runtimeStatus)) return problem(409, notGone(status.runtimeStatus));
    await deps.ledger.setPaused(manifest.runId, 'unpaused');
    await ensureStarted(deps, client, manifest);
    return undefined;
  });

const notGone = (status: OrchestrationRuntimeStatus): string =>
  status === OrchestrationRuntimeStatus.Suspended
    ? 'The run is paused: unpause it. Only a run whose orchestration is gone can be resumed.'
    : `The orchestration of the run is there: ${status}.`;
