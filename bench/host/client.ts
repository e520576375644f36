import { setTimeout as pause } from 'node:timers/promises';

/** What the bench reads of a status. */
export interface Status {
  readonly runtimeStatus: string;
  readonly output: unknown;
  readonly customStatus: { readonly poke?: number } | null;
}

/** Speaks the Durable HTTP API of a host. */
export class BenchClient {
  readonly #base: string;

  constructor(url: string) {
    this.#base = `${url}/runtime/webhooks/durabletask`;
  }

  async start(name: string, input: object): Promise<string> {
    const { id } = (await this.#post(`orchestrators/${name}`, input)) as { id: string };
    return id;
  }

  async raise(id: string, name: string): Promise<void> {
    await this.#post(`instances/${id}/raiseEvent/${name}`, {});
  }

  /** Asks for the status every `everyMs` until it is as wanted. */
  async until(id: string, wanted: (status: Status) => boolean, everyMs: number): Promise<Status> {
    for (;;) {
      const response = await fetch(`${this.#base}/instances/${id}?showInput=false`);
      const status = (await response.json()) as Status;
      if (wanted(status)) return status;
      if (status.runtimeStatus === 'Failed') throw new Error(`${id} failed: ${String(status.output)}`);
      await pause(everyMs);
    }
  }

  async finish(id: string): Promise<Status> {
    return await this.until(id, (status) => status.runtimeStatus === 'Completed', 10);
  }

  async #post(path: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.#base}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`${path} answered ${response.status}: ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}
