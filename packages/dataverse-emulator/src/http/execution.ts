import { htmlError } from '../faults/fault-responses.ts';
import type { ApiResponse } from '../operations/operation.ts';

/** One request while it runs on a server. */
export class Execution {
  readonly requestId: string;
  readonly server: number;
  /** When the work done so far ends, by the latency model. */
  endsAtMs: number;
  executionMs = 0;
  /** Its server is gone: what has not committed never will. */
  isLost = false;
  #lose: ((response: ApiResponse) => void) | undefined;

  constructor(requestId: string, server: number, nowMs: number) {
    this.requestId = requestId;
    this.server = server;
    this.endsAtMs = nowMs;
  }

  /** The answer of the work, or the gateway's as soon as the server is gone. */
  race(work: Promise<ApiResponse>): Promise<ApiResponse> {
    return new Promise((resolve, reject) => {
      this.#lose = resolve;
      work.then(resolve, reject);
    });
  }

  lose(): void {
    this.isLost = true;
    this.#lose?.(htmlError({ kind: 'htmlError', match: {}, status: 502 }));
  }
}

/** What runs, so that a server can take its requests with it when it goes. */
export class Executions {
  readonly #running = new Set<Execution>();

  async track(execution: Execution, work: () => Promise<ApiResponse>): Promise<ApiResponse> {
    this.#running.add(execution);
    try {
      return await execution.race(work());
    } finally {
      this.#running.delete(execution);
    }
  }

  loseServers(servers: readonly number[]): void {
    for (const execution of this.#running) if (servers.includes(execution.server)) execution.lose();
  }
}
