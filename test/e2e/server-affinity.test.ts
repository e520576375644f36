import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';

interface ServerCounters {
  readonly requests: number;
  readonly refused: number;
  readonly running: number;
}

interface Counters {
  readonly users: Readonly<Record<string, { readonly earlyRetries: number }>>;
  readonly servers: Readonly<Record<string, ServerCounters>>;
}

const servers = ['0', '1', '2', '3'] as const;
const rows = 90_000;

let app: App;
beforeAll(async () => {
  app = await startApp({ env: { Dataverse__main__serverAffinity: 'auto' } });
  await app.control('PATCH', 'settings', { servers: 4, hint: 28, latency: { overheadMs: { bulk: 800 } } });
});
afterAll(async () => app.stop());

const counters = async () => (await app.control('GET', 'counters')) as Counters;
const requestsOf = ({ servers: all }: Counters) => servers.map((server) => all[server]?.requests ?? 0);
const waveOf = async (runId: string) => (await app.client.getRun(runId)).body.progress?.wave ?? 0;

describe('lanes that choose their servers', () => {
  it('are spread evenly, wait only where one is told to, outlive a server, and are never early', async () => {
    const source = await app.put('affinity.csv', citiesCsv(rows));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });

    // The first row goes alone, then all lanes go where they are sent; from the third wave on each has its server.
    await until('lanes at their servers', async () => (await waveOf(runId)) >= 2);
    await app.control('POST', 'reset', { counters: true });
    await until('some traffic', async () => Math.max(...requestsOf(await counters())) >= 12);
    const even = requestsOf(await counters());
    expect(Math.min(...even) / Math.max(...even)).toBeGreaterThan(0.6);

    const rule = { kind: 'throttleExecutionTime', match: { server: 2 }, times: 1, retryAfterSeconds: 8 };
    await app.control('POST', 'faults', rule);
    await until('a refusal', async () => ((await counters()).servers['2']?.refused ?? 0) > 0);
    // What was on its way when the refusal was answered still comes to its end.
    await until('nothing on its way', async () => (await counters()).servers['2']?.running === 0);
    const refused = await counters();
    await until('the others going on', async () => {
      const now = requestsOf(await counters());
      return [0, 1, 3].every((at) => (now[at] ?? 0) - (requestsOf(refused)[at] ?? 0) >= 4);
    });
    expect((await counters()).servers['2']?.requests).toBe(refused.servers['2']?.requests);

    await until('server 2 again', async () => (requestsOf(await counters())[2] ?? 0) > (requestsOf(refused)[2] ?? 0));
    await app.control('PATCH', 'settings', { serversOut: [1] });
    const { report } = await app.ended(runId);
    expect(report).toMatchObject({ state: 'completed', counts: { upserted: rows }, proof: { tiles: true } });
    expect(report.throttled).toBe(1);
    expect(Object.values((await counters()).users).map(({ earlyRetries }) => earlyRetries)).toEqual([0]);
  });
});
