import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { changePages, type Change, type ChangeQuery } from '../../../src/dataverse/query-changes.ts';
import { queryPages, type Query } from '../../../src/dataverse/query.ts';
import { virtualClock } from './virtual-clock.ts';
import { close, guid, openEnvironment, row, tableOf, type Environment } from './support.ts';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { writeRows, writeTargetOf } from '../../../src/dataverse/write-rows.ts';
import type { Operation } from '../../../src/plan/outcome.ts';

let environment: Environment;
beforeEach(async () => {
  environment = await openEnvironment();
});
afterEach(() => close(environment));

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const cities: Query = { entitySetName: 'fan_cities', select: ['fan_name', 'fan_population'], pageSize: 3 };
const changed: ChangeQuery = { ...cities, primaryIdColumn: 'fan_cityid' };

async function write(operation: Operation, rows = range(0).map((n) => row(n))): Promise<void> {
  const table = writeTargetOf(await readTable(environment.client, 'fan_city'));
  const options = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;
  await writeRows(environment.client, { table, operation, rows, options, repeat: false, deadlineAtMs: Infinity });
}

async function readAll(query: Query): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const page of queryPages(environment.client, query)) rows.push(...page);
  return rows;
}

async function readChanges(query: ChangeQuery): Promise<{ changes: Change[]; until: string; pages: number }> {
  const changes: Change[] = [];
  const untils: string[] = [];
  let pages = 0;
  for await (const page of changePages(environment.client, query)) {
    changes.push(...page.changes);
    if (page.until !== undefined) untils.push(page.until);
    pages += 1;
  }
  expect(untils).toHaveLength(1);
  return { changes, until: untils[0]!, pages };
}

describe('queries', () => {
  it('bring every row once, page by page', async () => {
    await write(
      'create',
      range(10).map((n) => row(n)),
    );
    const log = newSendLog();
    const sizes: number[] = [];
    for await (const page of queryPages(environment.client, cities, { log })) sizes.push(page.length);
    expect(sizes).toEqual([3, 3, 3, 1]);
    expect(log.requests).toBe(4);
    const ids = (await readAll(cities)).map((one) => (one as Record<string, unknown>)['fan_cityid']);
    expect(ids.sort()).toEqual(range(10).map(guid));
  });

  it('filter and sort, whatever characters the values hold', async () => {
    const names = ["O'Hara & Söhne", '50 % + 50 %', 'a#b?c=d/e', '東京'];
    await write(
      'create',
      names.map((name, index) => row(index + 1, oneByte(`"fan_name":${JSON.stringify(name)}`))),
    );
    for (const name of names) {
      const filter = `fan_name eq '${name.replaceAll("'", "''")}'`;
      expect(await readAll({ ...cities, filter })).toMatchObject([{ fan_name: name }]);
    }
    const sorted = (await readAll({ ...cities, orderBy: 'fan_name desc' })) as { fan_name: string }[];
    expect(sorted).toHaveLength(names.length);
  });

  it('end with the reason of a refusal', async () => {
    await expect(readAll({ ...cities, select: ['fan_nothing'] })).rejects.toMatchObject({
      kind: 'requestRejected',
      httpStatus: 400,
    });
  });

  it('stop at the bound of pages', async () => {
    await write(
      'create',
      range(10).map((n) => row(n)),
    );
    const reading = (async () => {
      for await (const _ of queryPages(environment.client, cities, { mostPages: 2 }));
    })();
    await expect(reading).rejects.toThrow('after 2 pages');
  });
});

const oneByte = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('changes', () => {
  it('are all rows at first, then what came, changed and went', async () => {
    await write(
      'create',
      range(7).map((n) => row(n)),
    );
    const first = await readChanges(changed);
    expect(first.pages).toBe(3);
    expect(first.changes.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(range(7).map((n) => `row ${guid(n)}`));
    await write('upsert', [row(2, '"fan_name":"renamed"'), row(8)]);
    await write('delete', [row(5, '')]);
    const second = await readChanges({ ...changed, since: first.until });
    expect(second.changes).toMatchObject([
      { kind: 'row', id: guid(2), row: { fan_name: 'renamed' } },
      { kind: 'row', id: guid(8) },
      { kind: 'deleted', id: guid(5) },
    ]);
    expect((await readChanges({ ...changed, since: second.until })).changes).toEqual([]);
    expect(tableOf(environment, 'fan_city')).toHaveLength(7);
  });

  it('of a table that tracks none are refused', async () => {
    const query = { ...changed, entitySetName: 'fan_readings', primaryIdColumn: 'fan_readingid', select: ['fan_name'] };
    await expect(readChanges(query)).rejects.toMatchObject({
      kind: 'requestRejected',
      serviceErrorCode: '0x80072491',
    });
  });

  it('cannot be read any more after the life of the token', async () => {
    await close(environment);
    const clock = virtualClock();
    environment = await openEnvironment({ clock, emulatorClock: clock, settings: { tokenLifetimeSeconds: 10 ** 8 } });
    const { until } = await readChanges(changed);
    await clock.sleep(8 * 86_400_000);
    await expect(readChanges({ ...changed, since: until })).rejects.toMatchObject({
      kind: 'deltaExpired',
      serviceErrorCode: '0x80044352',
    });
    expect((await readChanges(changed)).changes).toEqual([]);
  });

  it('are read from this table and environment only', async () => {
    for (const since of ['accounts?$deltatoken=1', '../../../../evil?$deltatoken=1', '@evil.example/fan_cities?x=1']) {
      await expect(readChanges({ ...changed, since })).rejects.toMatchObject({ kind: 'requestRejected' });
    }
  });
});
