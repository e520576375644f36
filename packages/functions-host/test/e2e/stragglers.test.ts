import { expect, test } from 'vitest';
import { DurableDriver, startTestHost } from './support.ts';

const width = 6;
const walkersOf = (group: number) => Array.from({ length: width }, (_, at) => `${group}/${at}`);

/** What an app does that does not wait for the last of its activities: the library and the host have to agree on it, whatever the delivery. */
test.each([
  ['comes back later', false, false],
  ['comes back later, with forced replay and everything delivered twice', false, true],
  ['fails later', true, false],
  ['fails later, with forced replay and everything delivered twice', true, true],
])('a task that lost its race %s', async (_what, falls, isRough) => {
  const activity = () => ({ duplicates: 1 });
  const host = await startTestHost('scenarios', isRough ? { faults: { replayEveryStep: true, activity } } : {});
  try {
    const durable = new DurableDriver(host.url);
    const begun = await fetch(`${host.url}/api/begin/stragglers`, {
      method: 'POST',
      body: JSON.stringify({ width, falls }),
    });
    const { id } = (await begun.json()) as { id: string };
    const { output, runtimeStatus } = await durable.finish(id);
    expect(runtimeStatus).toBe('Completed');
    const { isOnTime, out, told } = output as { isOnTime: boolean; out: boolean; told: string[] };
    expect([isOnTime, out]).toEqual([false, true]);
    const [first = '', ...others] = told;
    if (falls) expect(first).toMatch(/^Activity function 'walk' failed: 1\/0 fell/u);
    else expect(first).toBe('1/0');
    expect(others.slice(0, 2 * width - 1)).toEqual([...walkersOf(1).slice(1), ...walkersOf(2)]);
    const { historyEvents = [] } = await durable.status(id, 'showHistory=true');
    // The history of the HTTP API shows each task once, with what came of it.
    const ended = historyEvents.filter(({ FunctionName }) => FunctionName === 'walk');
    expect(ended.length).toBeGreaterThanOrEqual(told.length);
    expect(ended.length).toBeLessThanOrEqual(told.length * (isRough ? 2 : 1));
  } finally {
    await host.close();
  }
});
