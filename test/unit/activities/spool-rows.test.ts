import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findRepeatedKeys } from '../../../src/activities/find-repeated-keys.ts';
import { encodeRepeatedKeys } from '../../../src/activities/repeated-keys.ts';
import { decodeRowMap } from '../../../src/activities/row-map.ts';
import type { StoredPlan } from '../../../src/activities/run-plan.ts';
import { createSpoolRows } from '../../../src/activities/spool-rows.ts';
import { writeTargetOf } from '../../../src/dataverse/write-rows.ts';
import type { ExceptionLine, Part } from '../../../src/ledger/parts.ts';
import type { Lineage, RowSelection } from '../../../src/plan/lineage.ts';
import type { OutcomeCounts } from '../../../src/plan/outcome.ts';
import type { RunOptions, RunSpec } from '../../../src/plan/run-spec.ts';
import type { BlobSource } from '../../../src/source/blob-source.ts';
import { cellList } from '../../../src/source/cells.ts';
import { readHead } from '../../../src/source/head.ts';
import { createIndexer } from '../../../src/source/indexer.ts';
import { readRows } from '../../../src/source/rows.ts';
import { encodeIndex } from '../../../src/source/slice-index.ts';
import type { SourceFormat } from '../../../src/source/source.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';
import { column, planOf, town, type Case } from '../mapping/fixtures.ts';

const csv: SourceFormat = { kind: 'csv', delimiter: ',' };
const jsonl: SourceFormat = { kind: 'jsonl' };
const everything: RowSelection = { outcomes: ['rejected', 'unknown', 'notAttempted'] };

/** Two rows a slice, so that a part of two rows is a slice. */
const sliceRows = 2;

interface Parent extends Omit<Case, 'sourceColumns'> {
  readonly format?: SourceFormat;
  readonly text: string;
  readonly duplicates?: RunOptions['duplicates'];
  /** First row of a part to the lines of its rows that did not simply succeed. */
  readonly parts: Readonly<Record<number, readonly Partial<ExceptionLine>[]>>;
}

interface Scene {
  readonly ledger: MemoryLedger;
  readonly files: Map<string, Buffer>;
  readonly source: BlobSource;
}

function createScene(): Scene {
  const ledger = createMemoryLedger();
  const files = new Map<string, Buffer>();
  const bytesOf = (blob: string): Buffer => files.get(blob) ?? ledger.spooled.get(blob) ?? Buffer.alloc(0);
  const etagOf = (blob: string): string => createHash('sha256').update(bytesOf(blob)).digest('hex');
  return {
    ledger,
    files,
    source: {
      pin: async (container, blob) => ({ container, blob, etag: etagOf(blob), bytes: bytesOf(blob).length }),
      read: async ({ blob }, from, to) => bytesOf(blob).subarray(from, to),
      stream: async ({ blob }) => Readable.from([bytesOf(blob)]),
    },
  };
}

async function addEndedRun(scene: Scene, parent: Parent): Promise<RunSpec> {
  const { ledger, files, source } = scene;
  const { format = csv, duplicates = 'lastWins', table = town } = parent;
  const bytes = Buffer.from(parent.text);
  files.set('first', bytes);
  const pin = await pinOf(scene, 'first');
  const reading = readHead(bytes, format, { complete: true });
  if (!('head' in reading)) throw new Error('The text has no head.');
  const { head } = reading;
  const mapping = planOf({ ...parent, sourceColumns: head.columns });
  const indexer = createIndexer(format, head, { entryRows: sliceRows });
  indexer.push(bytes);
  const { index } = indexer.finish({ sliceRows: () => sliceRows });
  const spec: RunSpec = {
    connection: 'main',
    source: { container: 'sources', blob: 'first', format: format.kind, delimiter: ',' },
    target: { table: table.logicalName, operation: 'create', ...parent.target },
    mapping: { unmapped: 'error', empty: 'null', ...parent.mapping },
    options: {
      bypassBusinessLogic: [],
      suppressFlows: false,
      duplicateDetection: false,
      duplicates,
      tolerate: { inARow: 50 },
    },
  };
  await ledger.accept({ runId: 'parent', spec, pin, createdAt: '2026-01-01T00:00:00Z' });
  const plan: StoredPlan = { format, head, table: writeTargetOf(table), mapping };
  await ledger.writeMapping('parent', plan);
  const records = { source, rows: pin, format, columns: head.columns, index };
  await ledger.writeRepeatedKeys('parent', encodeRepeatedKeys(await findRepeatedKeys(records, mapping, duplicates)));
  await ledger.writeIndex('parent', encodeIndex(index), createHash('sha256').update(bytes).digest('hex'));
  for (const [first, lines] of Object.entries(parent.parts))
    await ledger.commitPart('parent', partOf(Number(first), lines));
  return spec;
}

const pinOf = async ({ source }: Scene, blob: string) => {
  const pin = await source.pin('sources', blob);
  if ('missing' in pin) throw new Error(`There is no ${blob}.`);
  return pin;
};

function partOf(firstRow: number, lines: readonly Partial<ExceptionLine>[]): Part {
  const counts: OutcomeCounts = { created: sliceRows };
  const exceptions = lines.map((line) => ({ row: firstRow, outcome: 'rejected' as const, from: 0, to: 0, ...line }));
  return { firstRow, rowCount: sliceRows, counts, recovered: 0, bytes: { from: 0, to: 0, sha256: '' }, exceptions };
}

/** The records of the spooled file, each with the row of the first source it stands for. */
async function spooledBy(scene: Scene, spec: RunSpec, lineage: Lineage, blob = 'first') {
  const { ledger, source } = scene;
  await ledger.accept({ runId: 'child', spec, pin: await pinOf(scene, blob), createdAt: '', lineage });
  const answer = await createSpoolRows({ ledger, source })({ runId: 'child' });
  if ('faults' in answer) return answer;
  const spool = await ledger.readSpool('child');
  if (spool === undefined) throw new Error('Nothing was spooled.');
  const bytes = ledger.spooled.get(spool.pin.blob)!.subarray(spool.head.dataFrom);
  const { sourceRowOf } = decodeRowMap(spool.rowMap);
  const reading = { columns: spool.head.columns, firstRow: 1, from: spool.head.dataFrom };
  const rows = [...readRows(bytes, spool.format, reading)].map((row) => [
    sourceRowOf(row.row),
    'cells' in row ? cellList(row.cells) : row.fault.code,
  ]);
  return { rowCount: answer.rowCount, columns: spool.head.columns, rows };
}

const redriveOf = (edited: boolean, selection = everything): Lineage => ({
  kind: 'redrive',
  of: 'parent',
  root: 'parent',
  selection,
  edited,
});

describe('the rows of a redrive', () => {
  const byCode = { target: { operation: 'upsert', key: ['fan_code'] } } as const;
  const doubled = 'fan_code,fan_name\na,old\nb,1\na,new\nc,1\n';

  it('leave out a row no part covers whose key a later row has: that one is done and must stay the last', async () => {
    const scene = createScene();
    const spec = await addEndedRun(scene, { ...byCode, text: doubled, parts: { 3: [] } });
    expect(await spooledBy(scene, spec, redriveOf(false))).toMatchObject({ rowCount: 1, rows: [[2, ['b', '1']]] });
  });

  it('take rows no part covers for rejected where the spec rejects repeated keys', async () => {
    const scene = createScene();
    const rejection = { class: 'source', code: 'source.repeatedKey', message: '' } as const;
    const parts = { 3: [{ row: 3, rejection }] };
    const spec = await addEndedRun(scene, { ...byCode, text: doubled, duplicates: 'reject', parts });
    const onlyOpen = redriveOf(false, { outcomes: ['notAttempted'] });
    expect(await spooledBy(scene, spec, onlyOpen)).toMatchObject({ rowCount: 1, rows: [[2, ['b', '1']]] });
  });

  it('stay in their places when a mended line of one column is empty', async () => {
    const scene = createScene();
    const parts = { 1: [{ row: 1 }, { row: 2 }], 3: [{ row: 3 }] };
    const spec = await addEndedRun(scene, { text: 'fan_name\nx\ny\nz\nw\n', parts });
    scene.files.set('sheet', Buffer.from('fan_name,fanout_row\n,1\n"",2\nlast,3\n'));
    expect(await spooledBy(scene, spec, redriveOf(true), 'sheet')).toEqual({
      rowCount: 3,
      columns: ['fan_name'],
      rows: [
        [1, [null]],
        [2, ['']],
        [3, ['last']],
      ],
    });
  });

  it('lack in a mended sheet what their JSON records lacked: nothing that nobody named is cleared', async () => {
    const scene = createScene();
    const text = [
      '{"fan_code":"a","fan_name":"x","fan_population":1}',
      '{"fan_code":"b","fan_population":"many"}',
      '{"fan_code":"c","fan_name":null,"fan_population":"many"}',
      '{"fan_population":"many","fan_code":"d"}',
    ].join('\n');
    const parts = { 1: [{ row: 2 }], 3: [{ row: 3 }, { row: 4 }] };
    const spec = await addEndedRun(scene, { ...byCode, format: jsonl, text, parts });
    const sheet = 'fan_code,fan_name,fan_population,fanout_row\nd,Delta,4,4\nb,"",2,2\nc,,3,3\n';
    scene.files.set('sheet', Buffer.from(sheet));
    const asCsv: RunSpec = { ...spec, source: { ...spec.source, format: 'csv' } };
    expect(await spooledBy(scene, asCsv, redriveOf(true), 'sheet')).toEqual({
      rowCount: 3,
      columns: ['fan_code', 'fan_name', 'fan_population'],
      rows: [
        [4, ['d', 'Delta', '4']],
        [2, ['b', undefined, '2']],
        [3, ['c', null, '3']],
      ],
    });
  });

  it('leave alone what is empty in a mended sheet where the spec says so, whatever stands around it', async () => {
    const scene = createScene();
    const omits = { ...byCode, mapping: { empty: 'omit' } } as const;
    const spec = await addEndedRun(scene, {
      ...omits,
      text: 'fan_code,fan_name\na,\nb,b\n',
      parts: { 1: [{ row: 1 }] },
    });
    scene.files.set('sheet', Buffer.from('"fan_code","fan_name","fanout_row"\n"a","","1"\n'));
    expect(await spooledBy(scene, spec, redriveOf(true), 'sheet')).toMatchObject({ rows: [[1, ['a', null]]] });
  });
});

describe('the rows of an undo', () => {
  const undo: Lineage = { kind: 'undo', of: 'parent', root: 'parent' };
  const [one, two] = ['11111111-0000-4000-8000-000000000000', '22222222-0000-4000-8000-000000000000'];

  it('name the partition of an elastic row, without which another row or none would be found', async () => {
    const scene = createScene();
    const table = {
      ...town,
      tableType: 'Elastic' as const,
      columns: [...town.columns, column('partitionid', 'String', { maxLength: 100 })],
    };
    const text = `fan_townid,partitionid,fan_name\n${one},"Norð, 1",a\n${two},,b\n`;
    const spec = await addEndedRun(scene, { table, text, parts: { 1: [] } });
    expect(await spooledBy(scene, spec, undo)).toEqual({
      rowCount: 2,
      columns: ['fan_townid', 'partitionid'],
      rows: [
        [1, [one, Buffer.from('Norð, 1').toString('latin1')]],
        [2, [two, null]],
      ],
    });
  });

  it('need no source where the run made their ids: the file of last night is often gone', async () => {
    const scene = createScene();
    const spec = await addEndedRun(scene, { text: 'fan_name\na\nb\nc\nd\n', parts: { 1: [{ row: 2 }], 3: [] } });
    scene.files.set('first', Buffer.from('another file'));
    expect(await spooledBy(scene, spec, undo)).toEqual({
      rowCount: 3,
      columns: ['fan_townid'],
      rows: [1, 3, 4].map((row) => [row, [`01234567-89ab-8cde-bfed-${row.toString(16).padStart(12, '0')}`]]),
    });
  });
});
