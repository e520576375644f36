import type { PluginMessage } from './plugin-stub.ts';

/** One run of a stub for one row. */
export interface PluginCall {
  readonly sequence: number;
  readonly requestId: string;
  /** Client id of the application user. */
  readonly user: string;
  readonly table: string;
  readonly message: PluginMessage;
  readonly mode: 'sync' | 'async';
  readonly outcome: 'passed' | 'refused' | 'crashed';
  /** `?tag=` of the request, which a plug-in finds among its shared variables. */
  readonly tag: string | null;
  readonly atMs: number;
}

/** What stubs ran, in order; above the limit the oldest go. */
export class PluginLog {
  readonly #limit: () => number;
  #calls: PluginCall[] = [];
  #sequence = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  record(call: Omit<PluginCall, 'sequence'>): void {
    this.#sequence += 1;
    this.#calls.push({ sequence: this.#sequence, ...call });
    const limit = this.#limit();
    if (this.#calls.length > limit) this.#calls = this.#calls.slice(-Math.ceil(limit * 0.9));
  }

  calls(): readonly PluginCall[] {
    return this.#calls;
  }

  clear(): void {
    this.#calls = [];
  }
}
