import { expect, it } from 'vitest';
import { createLiveProgress } from '../../../src/activities/live-progress.ts';
import type { LiveTally } from '../../../src/plan/progress.ts';

/** What stands in the blob after these rows were added. */
async function told(
  added: readonly { readonly wave: number; readonly rows: number }[],
): Promise<LiveTally | undefined> {
  const wakes: (() => void)[] = [];
  const written: LiveTally[] = [];
  const clock = { now: () => 0, sleep: () => new Promise<void>((wake) => void wakes.push(wake)) };
  const ledger = { writeLive: async (_runId: string, _host: string, tally: LiveTally) => void written.push(tally) };
  const live = createLiveProgress(ledger, 'host', clock);
  for (const { wave, rows } of added) live.add('run', wave, { rows });
  for (const wake of wakes) wake();
  await new Promise(setImmediate);
  return written.at(-1);
}

it('live progress is that of the latest wave, whatever a lane of an earlier one still commits', async () => {
  const added = [
    { wave: 3, rows: 100 },
    { wave: 4, rows: 50 },
    { wave: 3, rows: 7 },
    { wave: 4, rows: 1 },
  ];
  expect(await told(added)).toMatchObject({ wave: 4, rows: 51 });
});

it('a run that is taken up again begins anew', async () => {
  expect(
    await told([
      { wave: 9, rows: 100 },
      { wave: 0, rows: 10 },
    ]),
  ).toMatchObject({ wave: 0, rows: 10 });
});
