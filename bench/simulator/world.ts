import {
  createRandom,
  LatencyModel,
  ServiceProtection,
  type Facet,
  type LatencySettings,
  type LimitSettings,
  type Random,
  type RowWork,
} from 'dataverse-emulator';
import type { EventQueue } from './event-queue.ts';
import type { Recorder } from './recorder.ts';

/** An environment as the emulator models it, and what of it may change while a run is under way. */
export interface Environment {
  readonly name: string;
  readonly servers: number;
  readonly hint: number | null;
  readonly limits: LimitSettings;
  readonly latency: LatencySettings;
  readonly work: RowWork;
  /** Share of rows the service refuses. */
  readonly badShare: number;
  /** What the `x-ms-ratelimit-*` headers tell: the truth, nothing, or noise. */
  readonly rateHeaders: 'told' | 'missing' | 'nonsense';
}

/** What the headers of the answering server tell. */
export interface ServerAnswer {
  readonly server: number;
  readonly left: { readonly requests: number; readonly seconds: number } | undefined;
}

export type Answer =
  | { readonly kind: 'done'; readonly hint: number | null; readonly ms: number; readonly refusedRows: number }
  | { readonly kind: 'throttled'; readonly hint: number | null; readonly facet: Facet; readonly waitMs: number };

export interface SendRequest {
  readonly user: string;
  readonly rows: number;
  /** The server an affinity cookie pins the request to. */
  readonly server?: number | undefined;
  readonly answered: (answer: Answer, from: ServerAnswer) => void;
}

/** Clients of one identity share its limits; what stands in brackets tells them apart in the record. */
const identityOf = (user: string): string => user.replace(/ \(.*\)$/, '');

/** Network time of one request and its answer. */
const networkMs = 5;

/** The environment in virtual time: the emulator's limit and latency models, its random routing, and nothing of the law. */
export class World {
  readonly #queue: EventQueue;
  readonly #recorder: Recorder;
  readonly #protection: ServiceProtection;
  readonly #latency: LatencyModel;
  readonly #random: Random;
  #environment: Environment;
  #running = 0;
  #isHushed = false;

  constructor(environment: Environment, parts: { queue: EventQueue; recorder: Recorder; seed: number }) {
    this.#environment = environment;
    this.#queue = parts.queue;
    this.#recorder = parts.recorder;
    this.#protection = new ServiceProtection(environment.limits);
    this.#latency = new LatencyModel(environment.latency, createRandom(parts.seed));
    this.#random = createRandom(parts.seed + 1);
  }

  get environment(): Environment {
    return this.#environment;
  }

  change(patch: Partial<Environment>): void {
    this.#environment = { ...this.#environment, ...patch };
    this.#protection.configure(this.#environment.limits);
    this.#latency.configure(this.#environment.latency);
  }

  earlyRetries(user: string): number {
    return this.#protection.counters().get(identityOf(user))?.earlyRetries ?? 0;
  }

  /** From now on nothing is sent any more. */
  hush(): void {
    this.#isHushed = true;
  }

  /** Execution time that all servers together would still admit of a user. */
  roomSeconds(user: string): number {
    const { servers, limits } = this.#environment;
    const cells = limits.scope === 'shared' ? 1 : servers;
    const each = Array.from({ length: cells }, (_, server) =>
      this.#protection.remaining(identityOf(user), server, this.#queue.nowMs),
    );
    return each.reduce((sum, { executionTimeMs }) => sum + executionTimeMs / 1_000, 0);
  }

  send(request: SendRequest): void {
    if (this.#isHushed) return;
    const { servers, hint, work, badShare } = this.#environment;
    const { user, rows, answered } = request;
    const pinned = request.server !== undefined && request.server < servers ? request.server : undefined;
    const server = pinned ?? Math.floor(this.#random.next() * servers);
    const nowMs = this.#queue.nowMs;
    const isPinned = request.server !== undefined;
    const arrival = { user: identityOf(user), server, isWrite: true, nowMs, pinned: isPinned };
    const admission = this.#protection.tryAdmit(arrival);
    if (!admission.admitted) {
      const { facet, retryAfterSeconds } = admission;
      this.#recorder.throttled(user, nowMs, facet);
      this.#queue.after(networkMs, () =>
        answered({ kind: 'throttled', hint, facet, waitMs: retryAfterSeconds * 1_000 }, this.#headersOf(user, server)),
      );
      return;
    }
    const bad = this.#badRows(rows, badShare);
    this.#running += 1;
    this.#recorder.inFlight(user, 1);
    const bulk = this.#latency.duration({ kind: 'bulk', isWrite: true, rows: { [work]: rows } }, this.#running, nowMs);
    // A bulk message that a row spoils is rolled back; its rows go again as a batch that goes on behind errors.
    const again = bad > 0 ? this.#batchMs(rows, nowMs) : { totalMs: 0, executionMs: 0 };
    this.#queue.after(bulk.totalMs + again.totalMs, () => {
      this.#running -= 1;
      this.#recorder.inFlight(user, -1);
      const endMs = this.#queue.nowMs;
      this.#protection.complete(admission.ticket, endMs, bulk.executionMs + again.executionMs);
      this.#recorder.done(user, endMs, rows);
      this.#queue.after(networkMs, () =>
        answered({ kind: 'done', hint, ms: bulk.totalMs + networkMs, refusedRows: bad }, this.#headersOf(user, server)),
      );
    });
  }

  #headersOf(user: string, server: number): ServerAnswer {
    const { rateHeaders } = this.#environment;
    if (rateHeaders === 'missing') return { server, left: undefined };
    if (rateHeaders === 'nonsense') {
      const requests = Math.floor(this.#random.next() * 8_000);
      return { server, left: { requests, seconds: this.#random.next() * 5_000 } };
    }
    const { requests, executionTimeMs } = this.#protection.remaining(identityOf(user), server, this.#queue.nowMs);
    return { server, left: { requests, seconds: executionTimeMs / 1_000 } };
  }

  #batchMs(rows: number, nowMs: number): { readonly totalMs: number; readonly executionMs: number } {
    const { work } = this.#environment;
    const frame = this.#latency.duration({ kind: 'batch', isWrite: true, rows: {} }, this.#running, nowMs);
    const one = this.#latency.meanMs({ kind: 'batchOperation', isWrite: true, rows: { [work]: 1 } });
    return { totalMs: frame.totalMs + rows * one, executionMs: frame.executionMs + rows * one };
  }

  #badRows(rows: number, share: number): number {
    let bad = 0;
    if (share > 0) for (let row = 0; row < rows; row += 1) if (this.#random.next() < share) bad += 1;
    return bad;
  }
}
