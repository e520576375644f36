import type { Facet } from 'dataverse-emulator';

/** What happened to one user in one second. */
export interface Second {
  rows: number;
  requests: number;
  throttled: number;
  /** Requests on their way at the end of the second. */
  inFlight: number;
  lanes: number;
  rowsPerRequest: number;
}

/** Counts by user and second. It sees everything; nothing of it reaches the law. */
export class Recorder {
  readonly #users = new Map<
    string,
    { readonly seconds: Second[]; running: number; peak: number; lanes: number; size: number }
  >();
  readonly facets: Record<Facet, number> = { requests: 0, executionTime: 0, concurrency: 0 };

  done(user: string, atMs: number, rows: number): void {
    const second = this.#second(user, atMs);
    second.rows += rows;
    second.requests += 1;
  }

  throttled(user: string, atMs: number, facet: Facet): void {
    this.#second(user, atMs).throttled += 1;
    if (user === 'us') this.facets[facet] += 1;
  }

  inFlight(user: string, more: number): void {
    const record = this.#user(user);
    record.running += more;
    record.peak = Math.max(record.peak, record.running);
  }

  /** What was granted, for the chart. */
  granted(user: string, lanes: number, rowsPerRequest: number): void {
    const record = this.#user(user);
    record.lanes = lanes;
    record.size = rowsPerRequest;
  }

  tick(atMs: number): void {
    for (const [user, record] of this.#users) {
      const second = this.#second(user, atMs - 1);
      second.inFlight = record.running;
      second.lanes = record.lanes;
      second.rowsPerRequest = record.size;
    }
  }

  peak(user: string): number {
    return this.#user(user).peak;
  }

  seconds(user: string): readonly Second[] {
    return this.#user(user).seconds;
  }

  #user(user: string) {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    const record = { seconds: [], running: 0, peak: 0, lanes: 0, size: 0 };
    this.#users.set(user, record);
    return record;
  }

  #second(user: string, atMs: number): Second {
    const { seconds } = this.#user(user);
    const index = Math.max(0, Math.floor(atMs / 1_000));
    for (let at = seconds.length; at <= index; at += 1) {
      seconds.push({ rows: 0, requests: 0, throttled: 0, inFlight: 0, lanes: 0, rowsPerRequest: 0 });
    }
    const second = seconds[index];
    if (second === undefined) throw new Error('A second is missing.');
    return second;
  }
}
