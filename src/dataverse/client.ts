import type { Dispatcher } from 'undici';
import type { OrderedWait } from '../plan/ordered-wait.ts';
import type { ClientRequest, Sent } from './client-request.ts';
import type { Clock, Random } from './clock.ts';
import { checkConnectionUrl } from './connection.ts';
import type { Connection } from './connection.ts';
import { sendUntilDecided } from './send-until-decided.ts';
import { createSenderPool } from './sender-pool.ts';
import type { Sender } from './sender-pool.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import type { ServerPin } from './server-pin.ts';
import { createTableMemory } from './table-memory.ts';
import type { TableMemory } from './table-memory.ts';

/** Sends requests to one environment, under any of the connection's identities. */
export interface Client {
  readonly clock: Clock;
  readonly origin: string;
  readonly senderCount: number;
  /** What sending has taught about the environment's tables. */
  readonly tables: TableMemory;
  /** And about its clock. */
  readonly serverClock: ServerClock;
  /**
   * Throws `ThrottledError` (the wait is longer than the deadline allows), `TransientError` (no decision after five attempts),
   * `BatchRejectedError` (refused and rolled back), `RequestRejectedError` (nothing like it will be accepted), or the signal's reason.
   */
  send<T>(request: ClientRequest<T>): Promise<Sent<T>>;
  /** The same client, whose requests stay on the server of the pin. */
  pinnedBy(pin: ServerPin): Client;
  /** Keeps a wait that another process was ordered. */
  keepWait(wait: OrderedWait): void;
}

export interface ClientOptions {
  readonly connection: Connection;
  /** At least one; limits hold for each of them. */
  readonly senders: readonly Sender[];
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly random: Random;
  /** Whole time of one attempt; by default that of its kind, which for writes outlasts the server's own limit. */
  readonly requestTimeoutMs?: number;
}

/** Throws `RangeError` when the connection's URL is not one a token may be sent to. */
export function createClient(options: ClientOptions): Client {
  const checked = checkConnectionUrl(options.connection.url, options.connection);
  if (!checked.ok) throw new RangeError(`Connection ${options.connection.name}: the URL ${checked.fault}.`);
  const serverClock = createServerClock();
  const deps = { ...options, origin: checked.origin, pool: createSenderPool(options.senders), serverClock };
  const tables = createTableMemory();
  const pinnedBy = (pin: ServerPin | undefined): Client => ({
    clock: options.clock,
    origin: checked.origin,
    senderCount: options.senders.length,
    tables,
    serverClock,
    send: (request) => sendUntilDecided(deps, pin === undefined ? request : { ...request, pin }),
    pinnedBy,
    keepWait: ({ sender, server, facet, notBeforeAt }) =>
      options.senders[sender]?.gates.keep({ server, facet, untilMs: Date.parse(notBeforeAt) }),
  });
  return pinnedBy(undefined);
}
