import { afterEach, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { writeRows, writeTargetOf } from '../../../src/dataverse/write-rows.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import { addSends, learn, noFit, noSends, sendOf, sizeRequests } from '../../../src/plan/request-size.ts';
import { virtualClock } from './virtual-clock.ts';
import { close, guid, openEnvironment, row, tableOf, type Environment } from './support.ts';

const rowCount = 10_000;
/** Bad rows of five kinds, each with the code and a piece of the message it has to be rejected with. */
const kinds: readonly (readonly [members: string, code: string, message: string])[] = [
  ['"fan_name":"a name that is longer than twenty characters"', '0x80044331', 'exceeded the maximum allowed length'],
  ['"fan_name":"x","fan_population":-1', '0x8004432f', "'fan_population'"],
  ['"fan_name":"x","fan_kind":77', '0x8004431a', "The value 77 of 'fan_kind'"],
  [`"fan_name":"x","fan_ParentId@odata.bind":"/accounts(${guid(1)})"`, '0x80040217', 'account With Id = '],
  ['"fan_name":"x","fan_foundedon":"yesterday"', '0x80048d19', "Cannot convert the literal 'yesterday'"],
];
/** One row in a hundred, spread without a pattern that a batch size could meet (the same in every run). */
const badKinds = new Map<number, (typeof kinds)[number]>();
for (let seed = 12_345; badKinds.size < rowCount / 100;) {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  badKinds.set(1 + (seed % rowCount), kinds[badKinds.size % kinds.length]!);
}
const dirty = Array.from({ length: rowCount }, (_, index) => row(index + 1, badKinds.get(index + 1)?.[0]));
const clean = Array.from({ length: rowCount }, (_, index) => row(index + 1));

let environment: Environment;
afterEach(() => close(environment));

/** Requests of one wave: what the governor sees of them before it chooses again. */
const requestsPerWave = 20;

/** What a run does whose spec names no number of rows: the governor's choice after each wave. `sizes` fixes the numbers instead. */
async function load(rows: readonly EncodedRow[], sizes?: readonly number[]) {
  const table = writeTargetOf(await readTable(environment.client, 'fan_city'));
  environment.emulator.reset({ rows: true, counters: true });
  const chosen: number[] = [];
  const rejected: [number, string, string][] = [];
  let fit = noFit;
  let wave = { sends: noSends, taken: 0, bad: 0, startedMs: environment.client.clock.now() };
  let size = sizeRequests(fit, null);
  for (let from = 0; from < rows.length;) {
    size = sizes?.[chosen.length] ?? size;
    const { outcomes, timings } = await writeRows(environment.client, {
      table,
      operation: 'upsert',
      rows: rows.slice(from, from + size),
      options: { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false },
      repeat: false,
      deadlineAtMs: Infinity,
    });
    chosen.push(size);
    from += size;
    for (const timing of timings) wave.sends = addSends(wave.sends, sendOf(timing.rows, timing.ms));
    for (const { row: number, outcome, rejection } of outcomes) {
      if (outcome === 'rejected') rejected.push([number, rejection?.code ?? '', rejection?.message ?? '']);
      else if (outcome !== 'upserted') throw new Error(`Row ${number} ended as ${outcome}.`);
      wave[outcome === 'rejected' ? 'bad' : 'taken'] += 1;
    }
    if (chosen.length % requestsPerWave > 0) continue;
    const nowMs = environment.client.clock.now();
    fit = learn(fit, wave.sends, wave, (nowMs - wave.startedMs) / 1_000);
    size = sizeRequests(fit, size);
    wave = { sends: noSends, taken: 0, bad: 0, startedMs: nowMs };
  }
  const { users } = environment.emulator.counters();
  const requests = Object.values(users).reduce((sum, user) => sum + user.requests, 0);
  return { requests, chosen, rejected };
}

const expected = [...badKinds]
  .map(([number, [, code, message]]) => [number, code, expect.stringContaining(message)] as const)
  .sort(([a], [b]) => a - b);

describe('10,000 rows of which one in a hundred is bad', () => {
  it.each([
    ['an environment without delay', 'fast', {}],
    ['one with the published costs', 'documented-1', {}],
    ['one whose single operations cost four rows', 'documented-1', { latency: { overheadMs: { batchOperation: 75 } } }],
  ] as const)(
    'are told apart on %s, with at most 1.35 times the requests of a clean load',
    async (_, profile, latency) => {
      const clock = virtualClock();
      const limits = { requests: null, executionTimeMs: null, concurrency: null };
      environment = await openEnvironment({
        profile,
        clock,
        emulatorClock: clock,
        settings: { ...latency, limits, tokenLifetimeSeconds: 10 ** 7 },
      });
      const found = await load(dirty);
      expect(found.rejected.sort(([a], [b]) => a - b)).toEqual(expected);
      expect(tableOf(environment, 'fan_city')).toHaveLength(rowCount - badKinds.size);
      const baseline = await load(clean, found.chosen);
      expect(baseline.rejected).toEqual([]);
      expect(baseline.requests).toBe(found.chosen.length);
      expect(found.requests / baseline.requests).toBeLessThanOrEqual(1.35);
    },
  );
});
