import type { EmulatorCounters, SettingsPatch } from 'dataverse-emulator';

/** The part of the emulator's control API that the benches use. */
export interface EmulatorControl {
  readonly change: (patch: SettingsPatch) => Promise<void>;
  /** Empties tables and counters; the limits' windows go on. */
  readonly reset: () => Promise<void>;
  readonly counters: () => Promise<EmulatorCounters>;
  /** When each row that was committed since `after` was. */
  readonly commitTimes: (after: number) => Promise<readonly number[]>;
}

const pageRows = 100_000;

export function controlOf(emulatorUrl: string): EmulatorControl {
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const response = await fetch(`${emulatorUrl}/_emulator/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`The emulator answered ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    async change(patch) {
      await (await call('PATCH', 'settings', patch)).text();
    },
    async reset() {
      await (await call('POST', 'reset', { rows: true, counters: true })).text();
    },
    counters: async () => (await (await call('GET', 'counters')).json()) as EmulatorCounters,
    async commitTimes(after) {
      const times: number[] = [];
      for (let from = after; ; from += pageRows) {
        const text = await (await call('GET', `journal?after=${from}&limit=${pageRows}`)).text();
        const lines = text.split('\n').filter((line) => line !== '');
        for (const line of lines) times.push((JSON.parse(line) as { readonly atMs: number }).atMs);
        if (lines.length < pageRows) return times;
      }
    },
  };
}
