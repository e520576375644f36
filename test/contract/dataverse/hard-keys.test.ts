import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { writeRows, writeTargetOf, type WriteRequest } from '../../../src/dataverse/write-rows.ts';
import { close, openEnvironment, row, rowByCode, tableOf, type Environment } from './support.ts';

let environment: Environment;
beforeEach(async () => {
  environment = await openEnvironment();
});
afterEach(() => close(environment));

/** Each holds a character that no URL by alternate key takes; `plain` holds none. */
const codes = ['a/b', 'R&D', '50 %', 'a+b', 'urn:1', 'a\\b', 'why?', '<x>', '*', '#1', "O'Hara & Söhne/東京"];
const rowsOf = (members: string, from = 1) =>
  [...codes, 'plain'].map((code, index) => rowByCode(from + index, code, members));

async function write(operation: WriteRequest['operation'], rows: WriteRequest['rows'], repeat = false) {
  const table = writeTargetOf(await readTable(environment.client, 'fan_city'));
  const options = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;
  return writeRows(environment.client, { table, operation, rows, options, repeat, deadlineAtMs: Infinity });
}

const kindsOf = ({ outcomes }: Awaited<ReturnType<typeof write>>) => new Set(outcomes.map(({ outcome }) => outcome));
function stored() {
  const table = environment.emulator.database.table('fan_city')!;
  return [...table.rows()].map((one) => {
    const value = (name: string) => one.values[table.model.columnsByName.get(name)!.ordinal];
    return [value('fan_code'), value('fan_name')];
  });
}

describe('keys with characters that no URL takes', () => {
  it('are created once and updated then', async () => {
    expect(kindsOf(await write('upsert', rowsOf('"fan_name":"first"')))).toEqual(new Set(['upserted']));
    expect(stored().sort()).toEqual([...codes, 'plain'].map((code) => [code, 'first']).sort());
    expect(kindsOf(await write('upsert', rowsOf('"fan_name":"second"'), true))).toEqual(new Set(['upserted']));
    expect(stored().sort()).toEqual([...codes, 'plain'].map((code) => [code, 'second']).sort());
  });

  it('find rows to update and to delete, and tell those that are not there', async () => {
    const missing = await write('update', rowsOf('"fan_name":"x"'));
    expect(kindsOf(missing)).toEqual(new Set(['rejected']));
    expect(missing.outcomes.map(({ rejection }) => rejection?.code)).toEqual(
      [...codes, 'plain'].map(() => '0x80060891'),
    );
    expect(tableOf(environment, 'fan_city')).toEqual([]);
    expect(kindsOf(await write('delete', rowsOf('')))).toEqual(new Set(['alreadyAbsent']));
    await write('upsert', rowsOf('"fan_name":"x"'));
    expect(kindsOf(await write('update', rowsOf('"fan_name":"y"')))).toEqual(new Set(['updated']));
    expect(kindsOf(await write('delete', rowsOf('')))).toEqual(new Set(['deleted']));
    expect(tableOf(environment, 'fan_city')).toEqual([]);
  });

  it('reject the row for its own fault, not for its key', async () => {
    const tooLong = '"fan_name":"a name that is longer than twenty characters"';
    const { outcomes } = await write('upsert', [rowByCode(1, 'a/b', tooLong), rowByCode(2, 'c/d')]);
    expect(outcomes).toMatchObject([
      { outcome: 'rejected', rejection: { code: '0x80044331' } },
      { outcome: 'upserted' },
    ]);
  });

  it('write equal keys one after another, the last one wins', async () => {
    const rows = ['1', '2', '3'].map((name, index) => rowByCode(index + 1, 'a/b', `"fan_name":"${name}"`));
    expect(kindsOf(await write('upsert', rows))).toEqual(new Set(['upserted']));
    expect(stored()).toEqual([['a/b', '3']]);
  });

  it('survive lost answers without a second row', async () => {
    const { faults } = environment.emulator;
    faults.add({ kind: 'commitThenDrop', match: { message: 'CreateMultiple' }, times: 1 });
    faults.add({ kind: 'resetBefore', match: { message: '$batch' }, times: 1 });
    expect(kindsOf(await write('upsert', rowsOf('"fan_name":"once"')))).toEqual(new Set(['upserted']));
    expect(stored().sort()).toEqual([...codes, 'plain'].map((code) => [code, 'once']).sort());
  });
});

describe('created rows met again', () => {
  const created = (n: number, members: string) => row(n, members);

  it('are ours when they hold what was sent, else they were there before', async () => {
    const rows = [
      created(1, '"fan_name":"same","fan_population":5,"fan_foundedon":"2001-02-03","fan_kind":2'),
      created(2, '"fan_name":"sent"'),
      created(3, '"fan_name":"new"'),
    ];
    await write('create', [rows[0]!, created(2, '"fan_name":"another"')]);
    const { outcomes } = await write('create', rows, true);
    expect(outcomes).toMatchObject([
      { outcome: 'created', recovered: true },
      { outcome: 'rejected', rejection: { code: '0x80040237' } },
      { outcome: 'created' },
    ]);
  });

  it('are verified by an alternate key where they have no id', async () => {
    await write('create', [rowByCode(1, 'A'), rowByCode(2, 'B', '"fan_name":"another"')]);
    const { outcomes } = await write('create', [rowByCode(1, 'A'), rowByCode(2, 'B'), rowByCode(3, 'C')], true);
    expect(outcomes).toMatchObject([
      { outcome: 'created', recovered: true },
      { outcome: 'rejected' },
      { outcome: 'created' },
    ]);
  });
});
