import type { FaultRule } from 'dataverse-emulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnsettledError } from '../../../src/dataverse/errors.ts';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { whoAmI } from '../../../src/dataverse/who-am-i.ts';
import { writeRows, writeTargetOf, type WriteRequest, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import { close, guid, openEnvironment, row, rowByCode, tableOf, type Environment } from './support.ts';

let environment: Environment;
let cities: WriteTarget;

beforeEach(async () => {
  environment = await openEnvironment();
  cities = writeTargetOf(await readTable(environment.client, 'fan_city'));
});
afterEach(() => close(environment));

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const fault = (rule: FaultRule) => environment.emulator.faults.add(rule);

async function write(changes: Partial<WriteRequest>) {
  const result = await writeRows(environment.client, {
    table: cities,
    operation: 'upsert',
    rows: [],
    options: { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false },
    repeat: false,
    deadlineAtMs: Infinity,
    ...changes,
  });
  return { ...result, kinds: result.outcomes.map(({ outcome }) => outcome) };
}

describe('reading the environment', () => {
  it('knows who it is and what is recommended', async () => {
    expect(await whoAmI(environment.client)).toMatchObject({
      userId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      organizationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      dopHint: 8,
    });
  });

  it('reads a table of every kind of column', async () => {
    const table = await readTable(environment.client, 'fan_city');
    const column = (name: string) => table.columns.find(({ logicalName }) => logicalName === name);
    expect(table).toMatchObject({ entitySetName: 'fan_cities', primaryIdColumn: 'fan_cityid', tableType: 'Standard' });
    expect(column('fan_name')).toMatchObject({ type: 'String', maxLength: 20, validForCreate: true });
    expect(column('fan_population')).toMatchObject({ type: 'Integer', minValue: 0, maxValue: 1_000_000 });
    expect(column('fan_kind')?.options).toEqual([
      { value: 1, label: 'City' },
      { value: 2, label: 'Village' },
    ]);
    expect(column('fan_foundedon')).toMatchObject({ type: 'DateTime', dateTimeBehavior: 'DateOnly' });
    expect(table.keys).toEqual([{ logicalName: 'fan_codekey', columns: ['fan_code'], active: true }]);
    expect(table.lookups).toContainEqual({
      column: 'fan_parentid',
      navigationProperty: 'fan_ParentId',
      table: 'account',
      entitySetName: 'accounts',
    });
    expect(table.bulk).toEqual({
      CreateMultiple: true,
      UpdateMultiple: true,
      UpsertMultiple: true,
      DeleteMultiple: false,
    });
  });

  it.each(['account', 'contact', 'fan_reading'])('reads %s', async (name) => {
    const table = await readTable(environment.client, name);
    expect(table.logicalName).toBe(name);
    expect(table.columns.length).toBeGreaterThan(3);
  });

  it('learns that a message is missing', async () => {
    environment.emulator.changeSettings({ missingMessages: { fan_city: ['UpdateMultiple'] } });
    expect((await readTable(environment.client, 'fan_city')).bulk).toMatchObject({
      CreateMultiple: true,
      UpdateMultiple: false,
      UpsertMultiple: false,
    });
  });

  it('says that a table is unknown', async () => {
    await expect(readTable(environment.client, 'fan_nowhere')).rejects.toMatchObject({ kind: 'unknownTable' });
  });
});

describe('writing rows', () => {
  it('creates, updates, upserts and deletes', async () => {
    expect(new Set((await write({ operation: 'create', rows: range(20).map((n) => row(n)) })).kinds)).toEqual(
      new Set(['created']),
    );
    const renamed = range(20).map((n) => row(n, `"fan_name":"renamed ${n}"`));
    expect(new Set((await write({ operation: 'update', rows: renamed })).kinds)).toEqual(new Set(['updated']));
    expect(new Set((await write({ rows: range(30).map((n) => row(n)) })).kinds)).toEqual(new Set(['upserted']));
    expect(tableOf(environment, 'fan_city')).toEqual(range(30).map(guid));
    const gone = await write({ operation: 'delete', rows: range(31).map((n) => row(n, '')) });
    expect(gone.kinds.slice(0, 30)).toEqual(range(30).map(() => 'deleted'));
    expect(gone.kinds[30]).toBe('alreadyAbsent');
    expect(tableOf(environment, 'fan_city')).toEqual([]);
  });

  it('upserts by alternate key, whatever text is in it', async () => {
    const codes = ['plain', "O'Hara", 'München', '東京', 'a b', 'x=1,y=2'];
    const rows = codes.map((code, index) => rowByCode(index + 1, code));
    expect((await write({ rows })).kinds).toEqual(codes.map(() => 'upserted'));
    expect((await write({ rows })).kinds).toEqual(codes.map(() => 'upserted'));
    const batches = { ...cities, bulk: { ...cities.bulk, UpsertMultiple: false } };
    expect((await write({ rows, table: batches })).kinds).toEqual(codes.map(() => 'upserted'));
    expect(tableOf(environment, 'fan_city')).toHaveLength(codes.length);
  });

  it('rejects exactly the bad rows, each with its own code, and writes all others', async () => {
    const bad: Record<number, [members: string, code: string]> = {
      7: ['"fan_name":"a name that is longer than twenty characters"', '0x80044331'],
      31: ['"fan_name":"x","fan_population":-1', '0x8004432f'],
      32: ['"fan_name":"x","fan_kind":77', '0x8004431a'],
      99: [`"fan_name":"x","fan_ParentId@odata.bind":"/accounts(${guid(1)})"`, '0x80040217'],
    };
    const rows = range(100).map((n) => row(n, bad[n]?.[0]));
    for (const operation of ['create', 'upsert'] as const) {
      environment.emulator.reset({ rows: true, counters: true });
      const { outcomes, requests } = await write({ operation, rows });
      const rejected = outcomes.filter(({ outcome }) => outcome === 'rejected');
      expect(Object.fromEntries(rejected.map((one) => [one.row, one.rejection?.code]))).toEqual(
        Object.fromEntries(Object.entries(bad).map(([n, [, code]]) => [n, code])),
      );
      expect(rejected.every(({ rejection }) => rejection?.serviceRequestId !== undefined)).toBe(true);
      expect(tableOf(environment, 'fan_city')).toEqual(
        range(100)
          .filter((n) => !(n in bad))
          .map(guid),
      );
      // Nothing is known of this table yet; what finding bad rows costs in the long run is measured in isolation.test.ts.
      expect(requests).toBeLessThanOrEqual(20);
    }
  });

  it('rejects updates of rows that are not there and creates no ghosts', async () => {
    await write({ operation: 'create', rows: [row(1), row(3)] });
    expect((await write({ operation: 'update', rows: [row(1), row(2), row(3)] })).kinds).toEqual([
      'updated',
      'rejected',
      'updated',
    ]);
    expect(tableOf(environment, 'fan_city')).toEqual([guid(1), guid(3)]);
  });

  it('rejects the create of a row that was there before', async () => {
    await write({ operation: 'create', rows: [row(2)] });
    const { outcomes } = await write({ operation: 'create', rows: [row(1), row(2), row(3)] });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['created', 'rejected', 'created']);
    expect(outcomes[1]?.rejection?.code).toBe('0x80040237');
  });

  it('lets the last of equal keys win', async () => {
    const rows = [rowByCode(1, 'A', '"fan_name":"first"'), rowByCode(2, 'A', '"fan_name":"second"')];
    expect((await write({ rows })).kinds).toEqual(['upserted', 'upserted']);
    const answer = await environment.client.send({
      method: 'GET',
      path: 'fan_cities?$select=fan_name',
      repeatable: true,
      deadlineAtMs: Infinity,
      read: (one) => (JSON.parse(one.body) as { value: { fan_name: string }[] }).value.map(({ fan_name }) => fan_name),
    });
    expect(answer.value).toEqual(['second']);
  });

  it('ends the run when a column is not there', async () => {
    await expect(write({ rows: [row(1, '"fan_name":"x","fan_nothing":1')] })).rejects.toMatchObject({
      kind: 'requestRejected',
    });
  });

  it('ends the run when the table is not there', async () => {
    const table = { ...cities, entitySetName: 'fan_nowheres' };
    await expect(write({ table, rows: [row(1), row(2)] })).rejects.toMatchObject({ kind: 'requestRejected' });
  });
});

describe('writing rows through faults', () => {
  const created = { operation: 'create', rows: range(10).map((n) => row(n)) } as const;
  const all = (kind: string) => range(10).map(() => kind);

  it.each(['CreateMultiple', '$batch'])('finds its own rows again when the answer to %s is lost', async (message) => {
    fault({ kind: 'commitThenDrop', match: { message }, times: 1 });
    const table = message === '$batch' ? { ...cities, bulk: { ...cities.bulk, CreateMultiple: false } } : cities;
    const { outcomes } = await write({ ...created, table });
    expect(outcomes).toEqual(range(10).map((n) => ({ row: n, outcome: 'created', recovered: true })));
    expect(tableOf(environment, 'fan_city')).toHaveLength(10);
  });

  it.each(['resetBefore', 'htmlError', 'deadlock', 'unexpected', 'sandboxUnavailable', 'transactionAborted'] as const)(
    'comes through %s without a second create',
    async (kind) => {
      fault({ kind, match: { message: 'CreateMultiple' }, times: 2 });
      expect((await write(created)).kinds).toEqual(all('created'));
      expect(environment.emulator.counters().journal.lastSequence).toBe(10);
    },
  );

  it.each(['cutBody', 'commitThenDrop'] as const)('comes through %s of a batch of deletes', async (kind) => {
    await write(created);
    fault({ kind, match: { message: '$batch' }, times: 1 });
    const { outcomes } = await write({ operation: 'delete', rows: range(10).map((n) => row(n, '')) });
    expect(outcomes).toEqual(range(10).map((n) => ({ row: n, outcome: 'deleted', recovered: true })));
    expect(tableOf(environment, 'fan_city')).toEqual([]);
  });

  describe.each([
    ['create', 'created', '"fan_name":"row 1"'],
    ['update', 'updated', '"fan_name":"new"'],
    ['upsert', 'upserted', '"fan_name":"new"'],
    ['delete', 'deleted', ''],
  ] as const)('a %s that is refused after an earlier send', (operation, outcome, members) => {
    const match = { method: operation === 'delete' ? 'DELETE' : 'POST' } as const;
    const repeated = { operation, rows: [row(1, members)], runStartedAt: new Date().toISOString() } as const;
    const seeded = async () => {
      if (operation !== 'create') await write({ operation: 'create', rows: [row(1)] });
    };
    const committed = () => environment.emulator.counters().journal.lastSequence;

    it('counts as done where that send took effect', async () => {
      await seeded();
      fault({ kind: 'commitThenDrop', match, nth: 1 });
      fault({ kind: 'sqlTimeout', match, nth: 2 });
      const before = committed();
      expect((await write(repeated)).outcomes).toEqual([{ row: 1, outcome, recovered: true }]);
      expect(committed() - before).toBe(1);
    });

    it('stays refused where it did not, once it can come no longer, and nobody sits that out', async () => {
      const clock = {
        aheadMs: 0,
        slept: 0,
        now: () => Date.now() + clock.aheadMs,
        sleep: async (ms: number) => void (clock.slept += ms),
      };
      await close(environment);
      environment = await openEnvironment({ clock });
      await seeded();
      const runStartedAt = new Date(Date.now() + 60_000).toISOString();
      fault({ kind: 'resetBefore', match, nth: 1 });
      fault({ kind: 'sqlTimeout', match, nth: 2 });
      const before = committed();
      const waitMs = await write({ ...repeated, runStartedAt }).then(
        () => 0,
        (error: unknown) => (error instanceof UnsettledError ? error.waitMs : 0),
      );
      expect(waitMs).toBeGreaterThan(120_000);
      expect(clock.slept).toBeLessThan(10_000);

      clock.aheadMs += waitMs;
      fault({ kind: 'sqlTimeout', match, nth: 1 });
      expect((await write({ ...repeated, runStartedAt, repeat: true })).outcomes).toMatchObject([
        { row: 1, outcome: 'rejected', rejection: { code: '0x80044151', attempts: 1 } },
      ]);
      expect(committed()).toBe(before);
    });

    it('is left open for as long as others may have sent it', async () => {
      await seeded();
      const runStartedAt = new Date(Date.now() + 60_000).toISOString();
      const sending = { ...repeated, runStartedAt, repeat: true };
      fault({ kind: 'sqlTimeout', match, times: 2 });
      await expect(write({ ...sending, othersUntilMs: Date.now() + 60_000 })).rejects.toMatchObject({
        kind: 'unsettled',
      });
      expect((await write({ ...sending, othersUntilMs: Date.now() })).kinds).toEqual(['rejected']);
    });

    it.each([600, -600])(
      'is ours, or a stranger’s, by a clock that is %i s ahead of ours',
      async (clockSkewSeconds) => {
        await close(environment);
        environment = await openEnvironment({ settings: { clockSkewSeconds } });
        await seeded();
        const justNow = new Date().toISOString();
        fault({ kind: 'commitThenDrop', match, nth: 1 });
        fault({ kind: 'sqlTimeout', match, nth: 2 });
        expect((await write({ ...repeated, runStartedAt: justNow })).outcomes).toEqual([
          { row: 1, outcome, recovered: true },
        ]);
        if (operation === 'delete') return;
        // What stands there now was written before a run that begins in a minute.
        environment.emulator.faults.clear();
        const runStartedAt = new Date(Date.now() + 60_000).toISOString();
        fault({ kind: 'sqlTimeout', match, nth: 1 });
        const { kinds } = await write({ ...repeated, runStartedAt, repeat: true });
        expect(kinds).toEqual(['rejected']);
      },
    );

    it('is unknown where nobody may look, and keeps the refusal for people', async () => {
      await seeded();
      fault({ kind: 'commitThenDrop', match, nth: 1 });
      fault({ kind: 'sqlTimeout', match, nth: 2 });
      fault({ kind: 'error', match: { method: 'GET' }, nth: 1, status: 403, code: '0x80048306' });
      expect((await write(repeated)).outcomes).toMatchObject([
        { row: 1, outcome: 'unknown', rejection: { code: '0x80044151' } },
      ]);
    });
  });

  it('halves what times out', async () => {
    fault({ kind: 'sqlTimeout', match: { message: 'UpsertMultiple' }, times: 2 });
    expect((await write({ rows: created.rows })).kinds).toEqual(all('upserted'));
  });

  it('upserts again after a lost race', async () => {
    fault({ kind: 'upsertRace', match: { message: 'UpsertMultiple' }, times: 1 });
    expect((await write({ rows: created.rows })).kinds).toEqual(all('upserted'));
  });

  it('gets a new token when the old one is revoked', async () => {
    await whoAmI(environment.client);
    environment.emulator.revokeTokens();
    expect((await write(created)).kinds).toEqual(all('created'));
  });

  it.each(['throttleRequests', 'throttleExecutionTime', 'throttleConcurrency'] as const)(
    'waits out %s and never comes back early',
    async (kind) => {
      fault({ kind, match: { message: 'UpsertMultiple' }, times: 2, retryAfterSeconds: 1 });
      const started = performance.now();
      const results = await Promise.all(range(4).map((lane) => write({ rows: [row(lane)] })));
      expect(results.flatMap(({ kinds }) => kinds)).toEqual(['upserted', 'upserted', 'upserted', 'upserted']);
      expect(results.flatMap(({ throttles }) => throttles)).toHaveLength(2);
      expect(performance.now() - started).toBeGreaterThanOrEqual(1_000);
    },
  );
});

describe('limits', () => {
  // Requests that were on their way when the first refusal was sent are not early; nothing here takes longer than that.
  const retryAfter = { earlyGraceMs: 300, concurrencySeconds: 1 };
  const latency = { overheadMs: { bulk: 20 } };

  it.each([
    ['requests', { limits: { windowMs: 1_500, requests: 30, retryAfter } }],
    ['execution time', { limits: { windowMs: 1_500, executionTimeMs: 500, retryAfter }, latency }],
    ['concurrency', { limits: { concurrency: 2, retryAfter }, latency }],
  ])('on %s are met without one early retry', async (facet, settings) => {
    await close(environment);
    environment = await openEnvironment({ settings });
    const rowsPerLane = facet === 'concurrency' ? 4 : 10;
    const results = await Promise.all(
      range(4).map(async (lane) => {
        const kinds: string[] = [];
        for (const n of range(rowsPerLane)) kinds.push(...(await write({ rows: [row(lane * 100 + n)] })).kinds);
        return kinds;
      }),
    );
    expect(results.flat()).toEqual(range(4 * rowsPerLane).map(() => 'upserted'));
    const counters = environment.emulator.counters();
    expect(counters.earlyRetries).toBe(0);
    expect(counters.statuses).toHaveProperty('429');
  });
});

describe('elastic tables', () => {
  it('have rows found by id and partition', async () => {
    const readings = writeTargetOf(await readTable(environment.client, 'fan_reading'));
    const inPartition = (n: number, partitionId: string) => ({
      ...row(n),
      key: { kind: 'id', id: guid(n), partitionId } as const,
    });
    const rows = range(6).map((n) => inPartition(n, `d-${n % 2}'s`));
    expect((await write({ table: readings, operation: 'create', rows })).kinds).toEqual(range(6).map(() => 'created'));
    const table = environment.emulator.database.table('fan_reading')!;
    const { ordinal } = table.model.columnsByName.get('partitionid')!;
    expect(new Set([...table.rows()].map(({ values }) => values[ordinal]))).toEqual(new Set(["d-0's", "d-1's"]));
    const batches = { ...readings, bulk: { ...readings.bulk, UpsertMultiple: false, DeleteMultiple: false } };
    expect((await write({ table: batches, rows })).kinds).toEqual(range(6).map(() => 'upserted'));
    const elsewhere = await write({ table: batches, operation: 'delete', rows: [inPartition(1, 'd-9')] });
    expect(elsewhere.kinds).toEqual(['alreadyAbsent']);
    expect((await write({ table: batches, operation: 'delete', rows })).kinds).toEqual(range(6).map(() => 'deleted'));
    expect(tableOf(environment, 'fan_reading')).toEqual([]);
  });

  it('rejects exactly the bad rows and keeps the good ones that were written beside them', async () => {
    const readings = writeTargetOf(await readTable(environment.client, 'fan_reading'));
    const rows = range(10).map((n) =>
      row(n, n === 4 ? '"fan_name":"a name that is longer than twenty characters"' : undefined),
    );
    for (const operation of ['create', 'upsert'] as const) {
      environment.emulator.reset({ rows: true, counters: true });
      const { kinds } = await write({ table: readings, operation, rows });
      expect(kinds).toEqual(
        range(10).map((n) => (n === 4 ? 'rejected' : operation === 'create' ? 'created' : 'upserted')),
      );
      expect(tableOf(environment, 'fan_reading')).toEqual(
        range(10)
          .filter((n) => n !== 4)
          .map(guid),
      );
    }
    const gone = await write({ table: readings, operation: 'delete', rows: range(5).map((n) => row(n, '')) });
    expect(gone.kinds).toEqual(['deleted', 'deleted', 'deleted', 'alreadyAbsent', 'deleted']);
  });
});
