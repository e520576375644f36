import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/dataverse/metadata.ts';
import type { WriteOptions } from '../../../src/dataverse/headers.ts';
import { writeRows, writeTargetOf, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import { close, openEnvironment, row, tableOf, type Environment } from './support.ts';

const stepId = '7c6a3b8e-0000-4000-8000-000000000002';
const noOptions = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;

let environment: Environment;
let cities: WriteTarget;

beforeEach(async () => {
  environment = await openEnvironment();
  cities = writeTargetOf(await readTable(environment.client, 'fan_city'));
});
afterEach(() => close(environment));

/** A bulk message, a batch and a request of its own have to carry the same options. */
const ways: readonly (readonly [name: string, rows: number, bulk: boolean])[] = [
  ['a bulk message', 3, true],
  ['a batch', 3, false],
  ['a request of its own', 1, false],
];

async function create(options: Partial<WriteOptions>, rows: number, bulk: boolean) {
  const none = { CreateMultiple: false, UpdateMultiple: false, UpsertMultiple: false, DeleteMultiple: false };
  const { outcomes } = await writeRows(environment.client, {
    table: bulk ? cities : { ...cities, bulk: none },
    operation: 'create',
    rows: Array.from({ length: rows }, (_, index) => row(index + 1, '"fan_name":"same"')),
    options: { ...noOptions, ...options },
    repeat: false,
    deadlineAtMs: Infinity,
  });
  return new Set(outcomes.map(({ outcome }) => outcome));
}

describe.each(ways)('the options of a run on %s', (_, rows, bulk) => {
  it('leave out custom logic, all of a kind or single steps', async () => {
    const stub = { table: 'fan_city', message: 'Create', mode: 'sync', action: 'refuse', stepId } as const;
    environment.emulator.changeSettings({
      plugins: [{ ...stub, delayMs: 0, where: {}, text: 'no' }],
    });
    expect(await create({}, rows, bulk)).toEqual(new Set(['rejected']));
    expect(await create({ bypassStepIds: ['7c6a3b8e-0000-4000-8000-000000000009'] }, rows, bulk)).toEqual(
      new Set(['rejected']),
    );
    expect(await create({ bypassStepIds: [stepId] }, rows, bulk)).toEqual(new Set(['created']));
    environment.emulator.reset({ rows: true, counters: true });
    expect(await create({ bypassBusinessLogic: ['CustomSync'] }, rows, bulk)).toEqual(new Set(['created']));
  });

  it('show the tag to plug-ins', async () => {
    environment.emulator.changeSettings({
      plugins: [
        { table: 'fan_city', message: 'Create', mode: 'sync', action: 'pass', delayMs: 0, where: {}, text: '', stepId },
      ],
    });
    await create({ tag: 'load 7 & more' }, rows, bulk);
    const tags = environment.emulator.pluginCalls().map(({ tag }) => tag);
    expect(tags).toEqual(Array(rows).fill('load 7 & more'));
  });

  it('turn duplicate detection on', async () => {
    environment.emulator.changeSettings({ duplicateRules: [{ table: 'fan_city', columns: ['fan_name'] }] });
    await create({}, 1, false);
    environment.emulator.reset({ rows: false, counters: true });
    const before = tableOf(environment, 'fan_city').length;
    const { outcomes } = await writeRows(environment.client, {
      table: bulk ? cities : { ...cities, bulk: { ...cities.bulk, CreateMultiple: false } },
      operation: 'create',
      rows: Array.from({ length: rows }, (_one, index) => row(index + 50, '"fan_name":"same"')),
      options: { ...noOptions, duplicateDetection: true },
      repeat: false,
      deadlineAtMs: Infinity,
    });
    expect(new Set(outcomes.map(({ rejection }) => rejection?.code))).toEqual(new Set(['0x80040333']));
    expect(tableOf(environment, 'fan_city')).toHaveLength(before);
  });

  it('end the run where the identity may not act for others', async () => {
    const [user] = environment.emulator.settings().users;
    environment.emulator.changeSettings({ users: [{ ...user!, mayImpersonate: false }] });
    await expect(create({ callerObjectId: stepId }, rows, bulk)).rejects.toMatchObject({
      kind: 'requestRejected',
      serviceErrorCode: '0x8004a110',
    });
  });
});
