import type { Clock } from './clock.ts';
import { createThrottleGate, type Pass, type ThrottleGate, type ToldWait } from './throttle-gate.ts';

/** How a request was sent and who answered it. */
export interface AnsweredBy {
  /** The gate it went through, which knows of the wait already. */
  readonly own: ThrottleGate;
  /** The server that answered; null where it did not say. */
  readonly by: string | null;
  /** Servers are known to count for themselves, so that a wait told by one binds only what may reach it. */
  readonly independent: boolean;
}

/**
 * The throttle gates of one identity in one process: one for what may reach any server, and one for each server that is asked for by its affinity
 * cookie.
 */
export interface IdentityGates {
  at(server: string | null): ThrottleGate;
  /** Ends a wait told to one request, whose own gate is closed, nowhere else: closes the gates of whatever else it binds. */
  spread(told: ToldWait, from: AnsweredBy): void;
  /** Keeps a wait that another process was told: by one server, or (null) for all. */
  keep(wait: { readonly facet: ToldWait['facet']; readonly server: string | null; readonly untilMs: number }): void;
}

/** Stands for a request that was sent through another gate: later than whatever this one has seen. */
const ofOthers: Pass = { closings: Infinity };

/** Times that travel are whole milliseconds. */
const clockStepMs = 1;

/** Gates kept; the oldest open one makes room. Far more than an environment has servers. */
const mostGates = 64;

export function createIdentityGates({ clock }: { readonly clock: Clock }): IdentityGates {
  const anywhere = createThrottleGate({ clock });
  const servers = new Map<string, ThrottleGate>();
  /** The last wait that bound everybody: it binds servers, too, that nobody has asked for yet. */
  let everywhere: { readonly facet: ToldWait['facet']; readonly untilMs: number } = { facet: 'other', untilMs: 0 };

  const at = (server: string | null): ThrottleGate => {
    if (server === null) return anywhere;
    const known = servers.get(server);
    if (known !== undefined) return known;
    if (servers.size >= mostGates) makeRoom(servers);
    const gate = createThrottleGate({ clock });
    const leftMs = everywhere.untilMs - clock.now();
    if (leftMs > 0) gate.throttled(ofOthers, { facet: everywhere.facet, retryAfterMs: leftMs });
    servers.set(server, gate);
    return gate;
  };

  /** The gates that a wait binds. */
  const bound = (server: string | null, wait: typeof everywhere): readonly ThrottleGate[] => {
    if (server !== null) return [anywhere, at(server)];
    // A shorter wait that is told later ends no longer one.
    if (wait.untilMs > everywhere.untilMs) everywhere = wait;
    return [anywhere, ...servers.values()];
  };

  return {
    at,
    spread(told, { own, by, independent }) {
      const server = independent ? by : null;
      const untilMs = clock.now() + (told.retryAfterMs ?? 0);
      for (const gate of bound(server, { facet: told.facet, untilMs }))
        if (gate !== own) gate.throttled(ofOthers, told);
    },
    keep({ facet, server, untilMs }) {
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0) return;
      for (const gate of bound(server, { facet, untilMs })) {
        // Closing a gate that knows would only send those back who are next.
        if (gate.waitMs() + clockStepMs < leftMs) gate.throttled(ofOthers, { facet, retryAfterMs: leftMs });
      }
    },
  };
}

function makeRoom(servers: Map<string, ThrottleGate>): void {
  for (const [server, gate] of servers) {
    if (gate.waitMs() > 0) continue;
    servers.delete(server);
    return;
  }
}
