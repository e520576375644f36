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

/** `POST /runs/{runId}/cancel`: lanes stop before their next request, a waiting or paused run wakes up. */
export const cancelRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, manifest) => {
    const { runId } = manifest;
    await deps.ledger.cancel(runId);
    await deps.ledger.setPaused(runId, 'unpaused');
    // A run whose orchestration never came to life, or broke, has to live once more to close its books.
    await ensureStarted(deps, client, manifest);
    await client.raiseEvent(runId, cancelEvent, {});
    if ((await statusOf(client, runId))?.runtimeStatus === OrchestrationRuntimeStatus.Suspended)
      await client.resume(runId, 'cancelled');
    return undefined;
  });

/** `POST /runs/{runId}/pause`: lanes stop before their next request, the orchestration is suspended. */
export const pauseRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, { runId }) => {
    const status = await statusOf(client, runId);
    if (status === undefined || isGone(status.runtimeStatus)) return problem(409, 'The run does not run.');
    await client.suspend(runId, 'paused');
    await deps.ledger.setPaused(runId, 'paused');
    return undefined;
  });

/** `POST /runs/{runId}/unpause`: a paused run goes on. */
export const unpauseRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, { runId }) => {
    await deps.ledger.setPaused(runId, 'unpaused');
    if ((await statusOf(client, runId))?.runtimeStatus === OrchestrationRuntimeStatus.Suspended)
      await client.resume(runId, 'unpaused');
    return undefined;
  });

/** `POST /runs/{runId}/resume`: a run whose orchestration is gone goes on from its parts. */
export const resumeRun = (deps: RunsDeps): Handler =>
  controlling(deps, async (client, manifest) => {
    const status = await statusOf(client, manifest.runId);
    if (status !== undefined && !isGone(status.runtimeStatus))
      return problem(409, `The orchestration of the run is there: ${status.runtimeStatus}.`);
    await deps.ledger.setPaused(manifest.runId, 'unpaused');
    await ensureStarted(deps, client, manifest);
    return undefined;
  });
