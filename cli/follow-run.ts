import { setTimeout as delay } from 'node:timers/promises';
import { hasEnded, type RunView } from './api.ts';
import type { Client } from './client.ts';

const pollMs = 1_000;
/** Once the run was seen, a host that restarts or is moved gets this long to come back. */
const restartPatienceMs = 120_000;

/**
 * The run, seen about once a second until it has ended; the last one is the ended run. A longer wait the service asks for is kept.
 * Survives a restart of the service.
 */
export async function* followRun(
  client: Client,
  runId: string,
  sleep: (ms: number) => Promise<void> = (ms) => delay(ms),
): AsyncGenerator<RunView, void, void> {
  let answer = await client.getRun(runId);
  const patient = client.withPatience(restartPatienceMs);
  for (;;) {
    yield answer.body;
    if (hasEnded(answer.body.state)) return;
    await sleep(Math.max(pollMs, answer.retryAfterMs ?? 0));
    answer = await patient.getRun(runId);
  }
}
