import type { Facet, LimitSettings } from './limit-settings.ts';
import { SlidingWindow } from './sliding-window.ts';

/** Timers of an obedient client may fire a little before the second is full. */
const timerToleranceMs = 10;

export interface Arrival {
  readonly user: string;
  readonly server: number;
  readonly isWrite: boolean;
  readonly nowMs: number;
  /** The client asked for a server by its affinity cookie, so that only what the one it got has told counts for being early. */
  readonly pinned?: boolean;
}

export interface Refusal {
  readonly admitted: false;
  readonly facet: Facet;
  /** The limit that was passed, as the message names it: requests, milliseconds or concurrent requests. */
  readonly limit: number;
  /** Whole seconds, at least 1: what the client has to wait. */
  readonly retryAfterSeconds: number;
}

export interface Admission {
  readonly admitted: true;
  readonly ticket: Ticket;
}

/** Proof of admission, handed back once to `complete`. */
export interface Ticket {
  readonly user: string;
  readonly server: number;
  readonly isWrite: boolean;
}

export interface LimitCounters {
  readonly requests: number;
  readonly refused: Readonly<Record<Facet, number>>;
  /** Requests that arrived before the last `Retry-After` told to this user had passed: by any server, or by the one that was asked for. */
  readonly earlyRetries: number;
  /** Those of them that reached the server (or, where servers share their limits, the service) that had told the wait. */
  readonly earlyRetriesInScope: number;
  readonly peakRunning: number;
  readonly executionTimeMs: number;
}

/** A wait that was told: until when, and since when. */
interface Pause {
  readonly notBeforeMs: number;
  readonly toldAtMs: number;
}

/** Budget of one user on one server (or on all, when the scope is shared). */
class Cell {
  arrivals: SlidingWindow;
  execution: SlidingWindow;
  running = 0;
  runningWrites = 0;
  /** The pause told last: until when, since when, how long. */
  notBeforeMs = 0;
  toldAtMs = 0;
  waitSeconds = 0;

  constructor(windowMs: number) {
    this.arrivals = new SlidingWindow(windowMs);
    this.execution = new SlidingWindow(windowMs);
  }

  forget(windowMs: number): void {
    this.arrivals = new SlidingWindow(windowMs);
    this.execution = new SlidingWindow(windowMs);
    Object.assign(this, { notBeforeMs: 0, toldAtMs: 0, waitSeconds: 0 });
  }
}

class UserState {
  readonly cells = new Map<number, Cell>();
  readonly refused: Record<Facet, number> = { requests: 0, executionTime: 0, concurrency: 0 };
  requests = 0;
  earlyRetries = 0;
  earlyRetriesInScope = 0;
  running = 0;
  peakRunning = 0;
  executionTimeMs = 0;
  notBeforeMs = 0;
  toldAtMs = 0;
}

/**
 * The service protection limits as a state machine over time handed in: no clock, no timer, no I/O. Limits are checked when a
 * request arrives; execution time is charged when it completes; running requests are never cut.
 */
export class ServiceProtection {
  #settings: LimitSettings;
  readonly #users = new Map<string, UserState>();

  constructor(settings: LimitSettings) {
    this.#settings = settings;
  }

  /** New numbers apply from the next arrival; a new window length or scope starts with empty windows. */
  configure(settings: LimitSettings): void {
    const { windowMs, scope } = this.#settings;
    this.#settings = settings;
    if (settings.scope !== scope) for (const user of this.#users.values()) user.cells.clear();
    else if (settings.windowMs !== windowMs) {
      for (const { cells } of this.#users.values()) for (const cell of cells.values()) cell.forget(settings.windowMs);
    }
  }

  tryAdmit(arrival: Arrival): Admission | Refusal {
    const user = this.#user(arrival.user);
    const cell = this.#cell(user, arrival.server);
    const isEarly = this.#isEarly(arrival.pinned === true ? cell : user, arrival.nowMs);
    if (isEarly) this.#countEarly(user, cell, arrival.nowMs);
    const passed = this.#passedLimit(cell, arrival, isEarly);
    if (passed !== undefined) return this.#refuse(user, cell, arrival, passed);
    cell.arrivals.add(arrival.nowMs, 1);
    cell.running += 1;
    if (arrival.isWrite) cell.runningWrites += 1;
    user.requests += 1;
    user.running += 1;
    user.peakRunning = Math.max(user.peakRunning, user.running);
    return { admitted: true, ticket: { user: arrival.user, server: arrival.server, isWrite: arrival.isWrite } };
  }

  /** Frees the slot and charges what the request has used. */
  complete(ticket: Ticket, nowMs: number, executionTimeMs: number): void {
    const user = this.#user(ticket.user);
    const cell = this.#cell(user, ticket.server);
    cell.running = Math.max(0, cell.running - 1);
    if (ticket.isWrite) cell.runningWrites = Math.max(0, cell.runningWrites - 1);
    cell.execution.add(nowMs, executionTimeMs);
    user.running = Math.max(0, user.running - 1);
    user.executionTimeMs += executionTimeMs;
  }

  /**
   * Whether an operation inside a running request may begin, given the execution time the request has used so far: the only limit
   * that one request can pass by itself.
   */
  tryPart(arrival: Arrival, executionTimeMs: number): Refusal | undefined {
    const user = this.#user(arrival.user);
    const cell = this.#cell(user, arrival.server);
    const limit = this.#settings.executionTimeMs;
    if (limit === null || cell.execution.sum(arrival.nowMs) + executionTimeMs < limit) return undefined;
    return this.#refuse(user, cell, arrival, { facet: 'executionTime', limit });
  }

  /** A refusal from outside (a fault rule): remembered like one of the model's own, so that early retries are counted. */
  impose(arrival: Arrival, facet: Facet, seconds: number | null): Refusal {
    const user = this.#user(arrival.user);
    const cell = this.#cell(user, arrival.server);
    if (this.#isEarly(arrival.pinned === true ? cell : user, arrival.nowMs))
      this.#countEarly(user, cell, arrival.nowMs);
    // Nobody can be early for a wait that was not told.
    if (seconds !== null) this.#remember(user, cell, arrival.nowMs, seconds);
    user.refused[facet] += 1;
    return { admitted: false, facet, limit: this.#limitOf(facet), retryAfterSeconds: seconds ?? 0 };
  }

  /** What the `x-ms-ratelimit-*` headers of the answering server tell. */
  remaining(
    user: string,
    server: number,
    nowMs: number,
  ): { readonly requests: number; readonly executionTimeMs: number } {
    const { requests, executionTimeMs, scope } = this.#settings;
    const cell = this.#users.get(user)?.cells.get(scope === 'shared' ? -1 : server);
    return {
      requests: Math.max(0, (requests ?? 8000) - (cell?.arrivals.sum(nowMs) ?? 0)),
      executionTimeMs: Math.max(0, (executionTimeMs ?? 1_200_000) - (cell?.execution.sum(nowMs) ?? 0)),
    };
  }

  counters(): ReadonlyMap<string, LimitCounters> {
    return new Map(
      [...this.#users].map(([name, user]) => [
        name,
        {
          requests: user.requests,
          refused: { ...user.refused },
          earlyRetries: user.earlyRetries,
          earlyRetriesInScope: user.earlyRetriesInScope,
          peakRunning: user.peakRunning,
          executionTimeMs: user.executionTimeMs,
        },
      ]),
    );
  }

  /** Counters to zero; windows, gauges and pauses stay. */
  resetCounters(): void {
    for (const user of this.#users.values()) {
      Object.assign(user.refused, { requests: 0, executionTime: 0, concurrency: 0 });
      Object.assign(user, { requests: 0, earlyRetries: 0, earlyRetriesInScope: 0 });
      Object.assign(user, { peakRunning: user.running, executionTimeMs: 0 });
    }
  }

  /** As if nothing had arrived yet; what runs keeps its slot. */
  forget(): void {
    for (const user of this.#users.values()) {
      Object.assign(user, { notBeforeMs: 0, toldAtMs: 0 });
      for (const cell of user.cells.values()) cell.forget(this.#settings.windowMs);
    }
  }

  #passedLimit(cell: Cell, arrival: Arrival, isEarly: boolean): { facet: Facet; limit: number } | undefined {
    const { order, retryAfter } = this.#settings;
    for (const facet of order) {
      const limit = this.#passedFacet(facet, cell, arrival);
      if (limit !== undefined) return { facet, limit };
    }
    if (isEarly && retryAfter.early === 'refuse' && arrival.nowMs < cell.notBeforeMs) {
      return { facet: 'requests', limit: this.#limitOf('requests') };
    }
    return undefined;
  }

  #passedFacet(facet: Facet, cell: Cell, { isWrite, nowMs }: Arrival): number | undefined {
    const { concurrency, writeConcurrency, requests, executionTimeMs } = this.#settings;
    switch (facet) {
      case 'concurrency':
        if (concurrency !== null && cell.running >= concurrency) return concurrency;
        return isWrite && writeConcurrency !== null && cell.runningWrites >= writeConcurrency
          ? writeConcurrency
          : undefined;
      case 'requests':
        return requests !== null && cell.arrivals.sum(nowMs) >= requests ? requests : undefined;
      case 'executionTime':
        return executionTimeMs !== null && cell.execution.sum(nowMs) >= executionTimeMs ? executionTimeMs : undefined;
    }
  }

  #refuse(user: UserState, cell: Cell, arrival: Arrival, passed: { facet: Facet; limit: number }): Refusal {
    user.refused[passed.facet] += 1;
    if (this.#settings.countRefused) cell.arrivals.add(arrival.nowMs, 1);
    const seconds = this.#waitSeconds(cell, arrival.nowMs, passed);
    this.#remember(user, cell, arrival.nowMs, seconds);
    return { admitted: false, ...passed, retryAfterSeconds: seconds };
  }

  #waitSeconds(cell: Cell, nowMs: number, passed: { facet: Facet; limit: number }): number {
    const { model, fixedSeconds, concurrencySeconds, growth, maxSeconds, earlyGraceMs } = this.#settings.retryAfter;
    if (model === 'fixed') return fixedSeconds;
    if (nowMs < cell.notBeforeMs - timerToleranceMs) {
      const isCascade = nowMs <= cell.toldAtMs + earlyGraceMs;
      if (!isCascade) return Math.min(maxSeconds, Math.ceil(cell.waitSeconds * growth));
      return Math.max(1, Math.ceil((cell.notBeforeMs - nowMs) / 1000));
    }
    if (passed.facet === 'concurrency') return concurrencySeconds;
    const window = passed.facet === 'requests' ? cell.arrivals : cell.execution;
    return Math.max(1, Math.ceil(window.msUntilBelow(passed.limit, nowMs) / 1000));
  }

  #remember(user: UserState, cell: Cell, nowMs: number, seconds: number): void {
    const { earlyGraceMs } = this.#settings.retryAfter;
    const continuesCascade = nowMs < cell.notBeforeMs && nowMs <= cell.toldAtMs + earlyGraceMs;
    if (!continuesCascade) {
      cell.toldAtMs = nowMs;
      cell.waitSeconds = seconds;
      cell.notBeforeMs = nowMs + seconds * 1000;
    }
    // A header that is missing or zero asks nobody to wait, so nobody can come too early.
    if (['missing', 'zero'].includes(this.#settings.retryAfter.model)) return;
    if (nowMs + seconds * 1000 > user.notBeforeMs) {
      if (nowMs >= user.notBeforeMs || nowMs > user.toldAtMs + earlyGraceMs) user.toldAtMs = nowMs;
      user.notBeforeMs = nowMs + seconds * 1000;
    }
  }

  #isEarly({ notBeforeMs, toldAtMs }: Pause, nowMs: number): boolean {
    const { earlyGraceMs } = this.#settings.retryAfter;
    return nowMs < notBeforeMs - timerToleranceMs && nowMs > toldAtMs + earlyGraceMs;
  }

  #countEarly(user: UserState, cell: Cell, nowMs: number): void {
    user.earlyRetries += 1;
    if (this.#isEarly(cell, nowMs)) user.earlyRetriesInScope += 1;
  }

  #limitOf(facet: Facet): number {
    const { requests, executionTimeMs, concurrency } = this.#settings;
    if (facet === 'requests') return requests ?? 6000;
    return facet === 'executionTime' ? (executionTimeMs ?? 1_200_000) : (concurrency ?? 52);
  }

  #user(name: string): UserState {
    const known = this.#users.get(name);
    if (known !== undefined) return known;
    const user = new UserState();
    this.#users.set(name, user);
    return user;
  }

  #cell(user: UserState, server: number): Cell {
    const scope = this.#settings.scope === 'shared' ? -1 : server;
    const known = user.cells.get(scope);
    if (known !== undefined) return known;
    const cell = new Cell(this.#settings.windowMs);
    user.cells.set(scope, cell);
    return cell;
  }
}
