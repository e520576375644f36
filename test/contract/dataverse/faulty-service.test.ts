import type { FaultKind } from 'dataverse-emulator';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/dataverse/clock.ts';
import { TransientError } from '../../../src/dataverse/errors.ts';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { writeRows, writeTargetOf, type WriteRequest, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import type { Operation, RowOutcome } from '../../../src/plan/outcome.ts';
import { close, guid, openEnvironment, row, tableOf, type Environment } from './support.ts';

/** Nothing here tells a wait, so no pause has to be real. */
const hastyClock: Clock = { now: () => systemClock.now(), sleep: async (_, signal) => signal?.throwIfAborted() };

let environment: Environment;
let cities: WriteTarget;

beforeAll(async () => {
  environment = await openEnvironment({ clock: hastyClock });
  cities = writeTargetOf(await readTable(environment.client, 'fan_city'));
});
afterAll(() => close(environment));
beforeEach(() => {
  environment.emulator.faults.clear();
  environment.emulator.reset({ rows: true, counters: true });
});

const kinds: readonly FaultKind[] = ['resetBefore', 'commitThenDrop', 'cutBody', 'htmlError', 'deadlock', 'unexpected'];
const count = 30;
const numbers = Array.from({ length: count }, (_, index) => index + 1);
const isBad = (n: number) => n % 11 === 0;
const tooLong = '"fan_name":"a name that is longer than twenty characters"';

/** As a lane does it: rows without a decision are sent again as what may have been sent. */
async function writeToTheEnd(
  request: Pick<WriteRequest, 'operation' | 'rows' | 'table'>,
): Promise<readonly RowOutcome[]> {
  const options = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;
  for (let sends = 1; ; sends += 1) {
    try {
      const repeat = sends > 1;
      return (await writeRows(environment.client, { ...request, options, repeat, deadlineAtMs: Infinity })).outcomes;
    } catch (error) {
      if (!(error instanceof TransientError) || sends === 20) throw error;
    }
  }
}

async function prepare(rows: readonly EncodedRow[]): Promise<void> {
  await writeToTheEnd({ table: cities, operation: 'create', rows });
}

/** Chance comes from the emulator's seeded sequence, which goes on from test to test. */
function addFaults(): void {
  for (const kind of kinds) {
    environment.emulator.faults.add({ kind, match: { method: 'POST' }, probability: 0.12, times: 3 });
  }
}

const rounds = Array.from({ length: 12 }, (_, index) => index + 1);
const batchesOnly = (target: WriteTarget): WriteTarget => ({
  ...target,
  bulk: { CreateMultiple: false, UpdateMultiple: false, UpsertMultiple: false, DeleteMultiple: false },
});
const ways = ['bulk messages', 'batches'] as const;
const cases = rounds.flatMap((round) => ways.map((way) => [round, way] as const));
const targetOf = (way: (typeof ways)[number]) => (way === 'batches' ? batchesOnly(cities) : cities);

describe('a service that fails at any moment', () => {
  it.each(cases)('gets every good row once and rejects the bad ones (round %i, %s)', async (_, way) => {
    for (const operation of ['create', 'upsert'] as const satisfies Operation[]) {
      environment.emulator.reset({ rows: true, counters: true });
      addFaults();
      const rows = numbers.map((n) => row(n, isBad(n) ? tooLong : undefined));
      const outcomes = await writeToTheEnd({ table: targetOf(way), operation, rows });
      const done = operation === 'create' ? 'created' : 'upserted';
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(numbers.map((n) => (isBad(n) ? 'rejected' : done)));
      expect(tableOf(environment, 'fan_city')).toEqual(numbers.filter((n) => !isBad(n)).map(guid));
    }
  });

  it.each(cases)('says of no row that is there that it is not (round %i, %s)', async (_, way) => {
    const isMissing = (n: number) => n % 7 === 0;
    await prepare(numbers.filter((n) => !isMissing(n)).map((n) => row(n)));
    addFaults();
    const updated = await writeToTheEnd({
      table: targetOf(way),
      operation: 'update',
      rows: numbers.map((n) => row(n)),
    });
    expect(updated.map(({ outcome }) => outcome)).toEqual(numbers.map((n) => (isMissing(n) ? 'rejected' : 'updated')));
    const deleted = await writeToTheEnd({
      table: targetOf(way),
      operation: 'delete',
      rows: numbers.map((n) => row(n, '')),
    });
    for (const { row: n, outcome } of deleted) {
      if (isMissing(n)) expect(['alreadyAbsent', 'deleted']).toContain(outcome);
      else expect(outcome).toBe('deleted');
    }
    expect(tableOf(environment, 'fan_city')).toEqual([]);
  });
});
