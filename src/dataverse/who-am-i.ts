import type { Client } from './client.ts';
import type { SendLog } from './send-log.ts';
import { newSendLog } from './send-log.ts';
import { MalformedAnswerError } from './errors.ts';
import { readJsonObject } from './read-json.ts';

/** Reads are given this long in all, waits included. */
export const readDeadlineMs = 60_000;

export interface Identity {
  /** Lower-case GUIDs. */
  readonly userId: string;
  readonly organizationId: string;
  /** Recommended number of requests in flight; absent when the environment names none. */
  readonly dopHint?: number;
}

/**
 * Who the connection's first identity is in the environment. Asks for each identity, so that one that is not let in is found before a run
 * starts; the recommendation is the sum of theirs. Throws what `Client.send` throws.
 */
export async function whoAmI(client: Client, signal?: AbortSignal): Promise<Identity> {
  const log = newSendLog();
  const first = await askAs(client, 0, log, signal);
  for (let sender = 1; sender < client.senderCount; sender += 1) await askAs(client, sender, log, signal);
  return { ...first, ...(log.dopHint !== undefined && { dopHint: log.dopHint }) };
}

async function askAs(
  client: Client,
  sender: number,
  log: SendLog,
  signal: AbortSignal | undefined,
): Promise<Omit<Identity, 'dopHint'>> {
  const { value } = await client.send({
    sender,
    method: 'GET',
    path: 'WhoAmI',
    repeatable: true,
    deadlineAtMs: client.clock.now() + readDeadlineMs,
    signal,
    log,
    read(answer) {
      const { UserId, OrganizationId } = readJsonObject(answer.body);
      if (typeof UserId !== 'string' || typeof OrganizationId !== 'string') {
        throw new MalformedAnswerError('WhoAmI answered without user and organization.');
      }
      return { userId: UserId.toLowerCase(), organizationId: OrganizationId.toLowerCase() };
    },
  });
  return value;
}
