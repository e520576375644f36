import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { StoredPlan } from '../../../src/activities/run-plan.ts';
import { createSettleRun } from '../../../src/activities/settle-run.ts';
import type { ClientRequest, Sent } from '../../../src/dataverse/client-request.ts';
import type { Client } from '../../../src/dataverse/client.ts';
import { createServerClock } from '../../../src/dataverse/server-clock.ts';
import { createTableMemory } from '../../../src/dataverse/table-memory.ts';
import type { SettleRunOutput } from '../../../src/plan/payloads.ts';
import { mostLivesInAll, mostLooks, mostLooksInAll } from '../../../src/plan/poison.ts';
import { accountSpec } from '../../support/spec.ts';
import { SourceChangedError } from '../../../src/source/blob-source.ts';
import { createSliceIndex, encodeIndex } from '../../../src/source/slice-index.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

const spec = accountSpec('upsert');
const header = 'accountid\n';
const csv = Buffer.from(`${header}00000000-0000-4000-9000-000000000001\n`);
const pin = { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: csv.length };
const stored: StoredPlan = {
  format: { kind: 'csv', delimiter: ',' },
  head: { columns: ['accountid'], dataFrom: header.length },
  table: {
    logicalName: 'account',
    entitySetName: 'accounts',
    primaryIdColumn: 'accountid',
    tableType: 'Standard',
    bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: false },
  },
  mapping: {
    operation: 'upsert',
    empty: 'null',
    extraMembers: 'reject',
    members: [],
    key: { kind: 'id', source: 0, column: 'accountid' },
  },
};
const died = new Promise<never>(() => undefined);
/** Enough turns for whatever does not die. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
}

interface Deaths {
  readonly look?: boolean;
  readonly read?: boolean;
}

/** One row, which was sent by lives nobody heard of again; the server shows it as it was before the run. */
async function createScene(lives: number, deaths: Deaths = {}) {
  const ledger = createMemoryLedger();
  await ledger.accept({ runId: 'r', spec, pin, createdAt: '2026-01-01T00:00:00Z' });
  await ledger.writeMapping('r', stored);
  const boundaries = [
    { firstRow: 1, from: header.length },
    { firstRow: 2, from: csv.length },
  ];
  await ledger.writeIndex('r', encodeIndex(createSliceIndex(boundaries)), '');
  await ledger.markIntent('r', 1);
  for (let life = 1; life < lives; life += 1) await ledger.countLife('r', { of: 'lane', firstRow: 1 }, lives);
  const clock = { now: () => 0, sleep: async () => undefined };
  const scene = { looks: 0, source: undefined as Error | undefined };
  const client = {
    clock,
    origin: 'https://contoso.crm4.dynamics.com',
    serverClock: createServerClock(),
    tables: createTableMemory(),
    async send<T>(request: ClientRequest<T>): Promise<Sent<T>> {
      scene.looks += 1;
      if (deaths.look === true) await died;
      const body = JSON.stringify({ createdon: '2025-01-01T00:00:00Z', modifiedon: '2025-01-01T00:00:00Z' });
      const answer = { status: 200, header: () => undefined, headerList: () => undefined, body };
      return { value: request.read(answer, () => 0), attempts: 1, maybeCommittedBefore: false, ms: 1 };
    },
  } as unknown as Client;
  const settleRun = createSettleRun({
    ledger,
    clock,
    clientOf: () => client,
    recallWaits: async () => undefined,
    source: {
      read: async (_pin: unknown, from: number, to: number) => {
        if (scene.source !== undefined) throw scene.source;
        if (deaths.read === true) await died;
        return csv.subarray(from, to);
      },
    } as never,
  });
  const settle = async (look: 'first' | 'late' | 'last'): Promise<SettleRunOutput | 'died'> =>
    Promise.race([settleRun({ runId: 'r', look }), turns().then(() => 'died' as const)]);
  return { ledger, scene, settle, lines: () => ledger.run('r').parts.get(1)?.exceptions };
}

const settled = { undecidedRows: 0, lostRows: 0 };

describe('a slice that was given up', () => {
  it('is looked up like any other, and what is not found done was not attempted, with the reason', async () => {
    const { ledger, settle, lines } = await createScene(mostLivesInAll);
    expect(await settle('first')).toEqual({ undecidedRows: 1, lostRows: 0 });
    // A look that is heard of kills nothing, however many there are.
    expect(ledger.run('r').lives.has('look 1')).toBe(false);
    expect(await settle('late')).toEqual(settled);
    expect(lines()).toMatchObject([{ row: 1, outcome: 'notAttempted', reason: 'poison' }]);
  });

  it.each([3, 7])('is no poison where it has not been given up yet, after %i lives', async (lives) => {
    const { settle, lines } = await createScene(lives);
    await settle('late');
    expect(lines()).toMatchObject([{ row: 1, outcome: 'notAttempted' }]);
    expect(lines()?.[0]).not.toHaveProperty('reason');
  });

  it.each([5, mostLivesInAll])(
    'is closed without a look when looks are never heard of either (%i lives)',
    async (lives) => {
      const { scene, settle, lines } = await createScene(lives, { look: true });
      for (let look = 0; look < mostLooks; look += 1) expect(await settle('first')).toBe('died');
      expect(await settle('first')).toEqual(settled);
      expect(scene.looks).toBe(mostLooks);
      expect(lines()).toMatchObject([{ row: 1, outcome: 'unknown', rejection: { code: 'row.poison' } }]);
    },
  );

  it('stays out of the books when nobody is heard of who reads it', async () => {
    const { settle, lines } = await createScene(mostLivesInAll, { read: true });
    for (let look = 0; look < mostLooksInAll; look += 1) expect(await settle('first')).toBe('died');
    expect(await settle('first')).toEqual({ undecidedRows: 0, lostRows: 1 });
    expect(lines()).toBeUndefined();
  });

  it('stays out of them when its source has changed', async () => {
    const { scene, settle } = await createScene(mostLivesInAll);
    scene.source = new SourceChangedError(pin, undefined);
    expect(await settle('first')).toEqual({ undecidedRows: 0, lostRows: 1 });
  });
});
