import type { EventQueue } from './event-queue.ts';

interface Waiting {
  readonly deadlineMs: number;
  readonly enter: (closings: number) => void;
  readonly giveUp: (waitMs: number) => void;
}

/**
 * The throttle gate of one process (src/dataverse/throttle-gate.ts) in virtual time: closed until the told wait is over, then one request alone,
 * then one more for every answer.
 */
export class SimulatedGate {
  readonly #queue: EventQueue;
  #open = true;
  #notBeforeMs = 0;
  #closings = 0;
  #ahead = 0;
  #allowedAhead = 1;
  #waiting: Waiting[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  enter(options: Waiting): void {
    if (this.#open) options.enter(this.#closings);
    else {
      this.#waiting.push(options);
      this.#serve();
    }
  }

  answered(closings: number): void {
    if (this.#open || closings < this.#closings) return;
    this.#ahead -= 1;
    this.#allowedAhead += 1;
    this.#open = this.#waiting.length === 0;
    this.#serve();
  }

  close(waitMs: number): void {
    this.throttled(this.#closings, waitMs);
  }

  throttled(closings: number, waitMs: number): void {
    if (closings === this.#closings) this.#closings += 1;
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#queue.nowMs + waitMs);
    this.#open = false;
    this.#ahead = 0;
    this.#allowedAhead = 1;
    this.#serve();
    this.#queue.at(this.#notBeforeMs, () => this.#serve());
  }

  /** Lets in whom it may, and sends away whose deadline it cannot keep. */
  #serve(): void {
    const nowMs = this.#queue.nowMs;
    const kept: Waiting[] = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    const leaving: (() => void)[] = [];
    for (const one of waiting) {
      const waitMs = this.#notBeforeMs - nowMs;
      if (this.#open) leaving.push(() => one.enter(this.#closings));
      else if (waitMs <= 0 && this.#ahead < this.#allowedAhead) {
        this.#ahead += 1;
        leaving.push(() => one.enter(this.#closings));
      } else if (this.#notBeforeMs > one.deadlineMs || nowMs >= one.deadlineMs) {
        leaving.push(() => one.giveUp(Math.max(1_000, waitMs)));
      } else {
        kept.push(one);
        this.#queue.at(one.deadlineMs, () => this.#serve());
      }
    }
    this.#waiting.push(...kept);
    for (const leave of leaving) leave();
  }
}

/**
 * The gates of one identity in one process: one for what may go to any server, one for each server that is asked for
 * (src/dataverse/server-gates.ts).
 */
export class SimulatedGates {
  readonly #queue: EventQueue;
  readonly #gates = new Map<string | null, SimulatedGate>();
  #all = { notBeforeMs: 0 };

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  enter(server: string | null, options: Waiting): void {
    this.#gate(server).enter(options);
  }

  answered(server: string | null, closings: number): void {
    this.#gate(server).answered(closings);
  }

  /** A wait that one server told closes its own gate and that of requests which might reach it; any other wait closes all. */
  throttled(
    server: string | null,
    closings: number,
    told: { readonly waitMs: number; readonly by: string | null; readonly independent: boolean },
  ): void {
    this.#gate(server).throttled(closings, told.waitMs);
    const isOneServers = told.independent && told.by !== null;
    if (isOneServers) this.#gate(told.by);
    else this.#all = { notBeforeMs: Math.max(this.#all.notBeforeMs, this.#queue.nowMs + told.waitMs) };
    for (const [other, gate] of this.#gates) {
      const isMeant = !isOneServers || other === null || other === told.by;
      if (other !== server && isMeant) gate.close(told.waitMs);
    }
  }

  #gate(server: string | null): SimulatedGate {
    const known = this.#gates.get(server);
    if (known !== undefined) return known;
    const gate = new SimulatedGate(this.#queue);
    const waitMs = this.#all.notBeforeMs - this.#queue.nowMs;
    if (waitMs > 0) gate.close(waitMs);
    this.#gates.set(server, gate);
    return gate;
  }
}
