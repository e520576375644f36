import type { Client } from '../dataverse/client.ts';
import type { Clock } from '../dataverse/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** Makes a client keep the waits that other hosts were ordered in a run, one of which may have died with what it heard. */
export type RecallWaits = (runId: string, client: Client) => Promise<void>;

/** Lanes that set off together ask once. */
const freshMs = 1_000;

/**
 * Hosts write the waits they are ordered where they write their progress (docs/adr/0048). A lane that sets off reads them: the work of a host
 * that died is given to another, which has heard nothing.
 */
export function createWaitRecall(ledger: Pick<Ledger, 'readLive'>, clock: Clock): RecallWaits {
  const asked = new Map<string, { readonly atMs: number; readonly done: Promise<void> }>();

  async function recall(runId: string, client: Client): Promise<void> {
    for (const { waits = [] } of await ledger.readLive(runId)) for (const wait of waits) client.keepWait(wait);
  }

  return (runId, client) => {
    const nowMs = clock.now();
    for (const [other, { atMs }] of asked) if (nowMs - atMs >= freshMs) asked.delete(other);
    // Without an answer nothing is known, and the environment will say so itself.
    const done = asked.get(runId)?.done ?? recall(runId, client).catch(() => undefined);
    if (!asked.has(runId)) asked.set(runId, { atMs: nowMs, done });
    return done;
  };
}
