import { mkdtemp, rm } from 'node:fs/promises';
import type { JobPlan } from '../../../src/plan/plan-job.ts';
import type { Report } from '../../../src/plan/report.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLedger, type Ledger } from '../../../src/ledger/ledger.ts';
import type { Manifest } from '../../../src/ledger/run-files.ts';
import type { Part } from '../../../src/ledger/parts.ts';
import { createBlobSource, SourceChangedError } from '../../../src/source/blob-source.ts';
import { accountSpec } from '../../support/spec.ts';
import { startAzurite, type Azurite } from '../../../scripts/azurite.ts';

let folder: string;
let azurite: Azurite;
let storage: BlobServiceClient;
let container: ContainerClient;
let ledger: Ledger;
let containers = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanout-ledger-'));
  azurite = await startAzurite({ location: folder, env: process.env, ports: { blob: 0, queue: 0, table: 0 } });
  storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
});
afterAll(async () => {
  await azurite.child.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  containers += 1;
  container = storage.getContainerClient(`runs-${containers}`);
  await container.create();
  ledger = createLedger(container);
});

function manifestOf(runId: string, createdAt = '2026-01-01T00:00:00.000Z'): Manifest {
  return {
    runId,
    spec: accountSpec('create'),
    pin: { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: 9 },
    createdAt,
  };
}

const part = (firstRow: number, rowCount: number, failed = 0): Part => ({
  firstRow,
  rowCount,
  counts: { created: rowCount - failed, rejected: failed },
  recovered: 0,
  bytes: { from: 0, to: 1, sha256: '' },
  exceptions: Array.from({ length: failed }, (_, at) => ({
    row: firstRow + at,
    outcome: 'rejected',
    from: at,
    to: at + 1,
    rejection: {
      class: 'service',
      code: at % 2 === 0 ? '0x80044331' : '0x80040265',
      message: `row ${firstRow + at} – ü`,
    },
  })),
});

describe('a part', () => {
  it('is written once; who comes second gets what the first wrote', async () => {
    expect(await ledger.commitPart('r', part(1, 100))).toMatchObject({ first: true });
    expect(await ledger.commitPart('r', part(1, 60, 3))).toMatchObject({
      first: false,
      part: { firstRow: 1, rowCount: 100, counts: { created: 100 } },
    });
    expect(await ledger.findPart('r', 1)).toMatchObject({ rowCount: 100 });
    expect(await ledger.findPart('r', 2)).toBeUndefined();
  });

  it('has one winner among many writers at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, at) => ledger.commitPart('r', part(1, at + 1))));
    expect(results.filter(({ first }) => first)).toHaveLength(1);
    expect(new Set(results.map((result) => result.part.rowCount)).size).toBe(1);
  });

  it('is listed in the order of its rows, whatever the order of writing', async () => {
    for (const firstRow of [100_001, 1, 99_999, 10_001, 9]) await ledger.commitPart('r', part(firstRow, 1));
    await ledger.commitPart('other', part(5, 1));
    const listed: number[] = [];
    for await (const entry of ledger.listParts('r')) listed.push(entry.firstRow);
    expect(listed).toEqual([1, 9, 10_001, 99_999, 100_001]);
  });
});

describe('a run', () => {
  it('is accepted once; the first manifest stays', async () => {
    expect(await ledger.accept(manifestOf('r'))).toEqual(manifestOf('r'));
    expect(await ledger.accept(manifestOf('r', '2026-02-02T00:00:00.000Z'))).toEqual(manifestOf('r'));
    expect(await ledger.manifest('r')).toEqual(manifestOf('r'));
    expect(await ledger.manifest('none')).toBeUndefined();
  });

  it('is listed with the newest first', async () => {
    for (const [at, runId] of ['old', 'new', 'middle'].entries())
      await ledger.accept(manifestOf(runId, `2026-0${[1, 3, 2][at] ?? 0}-01T00:00:00.000Z`));
    expect(await ledger.recentRuns(2)).toEqual(['new', 'middle']);
  });

  it('can be cancelled', async () => {
    expect(await ledger.readStop('r')).toBeUndefined();
    await ledger.cancel('r');
    expect(await ledger.readStop('r')).toBe('cancelled');
    expect(await ledger.readStop('other')).toBeUndefined();
  });

  it('gives a mark that was taken back to one who begins there', async () => {
    await ledger.markIntent('u', 1);
    expect(await ledger.claimUntouched('u', 1)).toBe(false);
    await ledger.markUntouched('u', 1);
    expect((await ledger.readIntents('u')).untouched).toEqual(new Set([1]));
    const claims = await Promise.all([ledger.claimUntouched('u', 1), ledger.claimUntouched('u', 1)]);
    expect(claims.toSorted()).toEqual([false, true]);
    expect((await ledger.readIntents('u')).untouched).toEqual(new Set());
  });

  it('marks an intent once', async () => {
    expect(await ledger.markIntent('r', 1)).toBe(true);
    expect(await ledger.markIntent('r', 1)).toBe(false);
    expect(await ledger.markIntent('r', 101)).toBe(true);
  });

  it('has marks of their own for what is due again, and knows the rows of all of them', async () => {
    const due = ['2026-01-01T00:05:00.000Z', '2026-01-01T00:10:00.000Z'] as const;
    expect([await ledger.markIntent('d', 5, due[0]), await ledger.markIntent('d', 5, due[0])]).toEqual([true, false]);
    expect([await ledger.markIntent('d', 5, due[1]), await ledger.markIntent('d', 5)]).toEqual([true, true]);
    await ledger.markContested('d', 1, due[0]);
    expect(await ledger.isContested('d', 1, due[0])).toBe(true);
    expect([await ledger.isContested('d', 1, due[1]), await ledger.isContested('d', 1)]).toEqual([false, false]);
    expect(await ledger.readIntents('d')).toMatchObject({ begun: new Set([5]), contested: new Set([1]) });
  });

  it('counts the lives that begin where one began before, up to a number, until one of them is heard of', async () => {
    const [lane, look] = [
      { of: 'lane', firstRow: 1 },
      { of: 'look', firstRow: 1 },
    ] as const;
    await ledger.markIntent('r', 1);
    expect((await ledger.readIntents('r')).lives).toEqual(new Map());
    const lives = await Promise.all(Array.from({ length: 4 }, async () => ledger.countLife('r', lane, 5)));
    expect(lives.toSorted()).toEqual([2, 3, 4, 5]);
    expect([await ledger.countLife('r', lane, 5), await ledger.countLife('r', lane, 8)]).toEqual([6, 6]);
    expect(await ledger.countLife('r', look, 3)).toBe(1);
    expect((await ledger.readIntents('r')).lives).toEqual(new Map([[1, 6]]));
    const dueAt = '2026-01-01T00:05:00.000Z';
    await ledger.markIntent('r', 1, dueAt);
    expect(await ledger.countLife('r', { ...lane, dueAt }, 5)).toBe(2);
    expect((await ledger.readIntents('r')).lives).toEqual(new Map([[1, 6]]));
    await ledger.forgetLives('r', lane);
    expect(await ledger.countLife('r', look, 3)).toBe(2);
    expect(await ledger.countLife('r', lane, 5)).toBe(2);
    expect(await ledger.markIntent('r', 1)).toBe(false);
  });

  it('forgets lives of one kind without losing what is counted at the same moment', async () => {
    const [lane, look] = [
      { of: 'lane', firstRow: 501 },
      { of: 'look', firstRow: 501 },
    ] as const;
    await ledger.markIntent('r', 501);
    for (let round = 1; round <= 10; round += 1) {
      await Promise.all([
        ledger.countLife('r', lane, 99),
        ledger.forgetLives('r', lane),
        ledger.countLife('r', look, 99),
      ]);
    }
    expect(await ledger.countLife('r', look, 99)).toBe(11);
  });

  it('tells what its lanes have done since, by host instance', async () => {
    const tally = { wave: 2, rows: 10, counts: { created: 10 }, requests: 1, throttled: 0 };
    await ledger.writeLive('r', 'one', tally);
    await ledger.writeLive('r', 'two', { ...tally, rows: 5 });
    await ledger.writeLive('r', 'one', { ...tally, rows: 20 });
    expect((await ledger.readLive('r')).map(({ rows }) => rows).toSorted()).toEqual([20, 5]);
    const wait = { sender: 0, server: 'a0B', facet: 'requests', notBeforeAt: '2026-01-01T00:05:00.000Z' } as const;
    const waits = Array.from({ length: 16 }, (_, n) => ({ ...wait, server: n.toString(16).repeat(256) }));
    await ledger.writeLive('w', 'one', { ...tally, waits });
    expect((await ledger.readLive('w'))[0]?.waits).toEqual(waits);
  });

  it('keeps the index with its digest', async () => {
    await ledger.writeIndex('r', Buffer.from([1, 2, 3]), 'abc');
    expect(await ledger.readIndex('r')).toEqual({ bytes: Buffer.from([1, 2, 3]), sha256: 'abc' });
    expect(await ledger.readIndex('other')).toBeUndefined();
  });

  it('has one plan: the first one stays', async () => {
    expect(await ledger.readPlan('planned')).toBeUndefined();
    const plan = { requests: 1 } as JobPlan;
    await ledger.writePlan('planned', plan);
    await ledger.writePlan('planned', { ...plan, requests: 2 });
    expect(await ledger.readPlan('planned')).toEqual(plan);
  });

  it('has one report: the first one stays', async () => {
    const report = { runId: 'r', state: 'completed', endedAt: '2026-01-01T00:00:00Z' } as Report;
    expect(await ledger.writeReport(report)).toEqual(report);
    expect(await ledger.writeReport({ ...report, endedAt: '2026-01-02T00:00:00Z' })).toEqual(report);
    expect(await ledger.readReport('r')).toEqual(report);
  });

  it('writes its failures in row order and says which were most frequent', async () => {
    await ledger.commitPart('r', part(1, 10));
    await ledger.commitPart('r', part(11, 10, 5));
    await ledger.commitPart('r', part(21, 10, 2));
    const entries = [];
    for await (const entry of ledger.listParts('r')) entries.push(entry);
    const sheet = { header: 'h\n', linesOf: async (lines: readonly { readonly row: number }[]) => `${lines.length}\n` };
    expect(await ledger.writeFailures('r', entries, sheet)).toEqual([
      { code: '0x80044331', message: 'row 11 – ü', count: 4, firstRow: 11 },
      { code: '0x80040265', message: 'row 12 – ü', count: 3, firstRow: 12 },
    ]);
    const stream = await ledger.readFailures('r', 'jsonl');
    if (stream === undefined) throw new Error('There is no failures file.');
    const lines = (await text(stream)).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { readonly row: number }).row)).toEqual([
      11, 12, 13, 14, 15, 21, 22,
    ]);
    const csv = await ledger.readFailures('r', 'csv');
    expect(csv === undefined ? '' : await text(csv)).toBe('h\n5\n2\n');
    expect(await ledger.readFailures('other', 'jsonl')).toBeUndefined();
  });
});

describe('the record of a sync', () => {
  it('is replaced only by one who has seen the latest', async () => {
    const record = { version: 'v', runId: 'r', attempt: 1 };
    expect(await ledger.readSync('s')).toBeUndefined();
    expect(await ledger.writeSync('s', { ...record, begins: true }, undefined)).toBe(true);
    const seen = await ledger.readSync('s');
    expect(seen?.value).toEqual({ ...record, begins: true });
    expect(await ledger.writeSync('s', record, undefined)).toBe(false);
    expect(await ledger.writeSync('s', record, seen)).toBe(true);
    expect(await ledger.writeSync('s', { ...record, attempt: 2 }, seen)).toBe(false);
    expect((await ledger.readSync('s'))?.value).toEqual(record);
  });
});

describe('a pinned source', () => {
  it('is read by ranges, and no longer once the blob has changed', async () => {
    const source = createBlobSource(storage);
    const blob = container.getBlockBlobClient('rows.csv');
    await blob.upload('0123456789', 10);
    const pin = await source.pin(container.containerName, 'rows.csv');
    if ('missing' in pin) throw new Error('The blob is missing.');
    expect((await source.read(pin, 2, 5)).toString()).toBe('234');
    expect(await source.read(pin, 4, 4)).toHaveLength(0);
    await blob.upload('9876543210', 10);
    await expect(source.read(pin, 2, 5)).rejects.toThrow(SourceChangedError);
    await expect(source.stream(pin)).rejects.toThrow(SourceChangedError);
  });

  it('tells a missing blob from a missing container', async () => {
    const source = createBlobSource(storage);
    expect(await source.pin(container.containerName, 'none')).toEqual({ missing: 'blob' });
    expect(await source.pin('no-container', 'none')).toEqual({ missing: 'container' });
  });
});
