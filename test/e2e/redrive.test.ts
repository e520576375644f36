import { parse } from 'csv-parse/sync';
import { stringify } from '../support/csv.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTableRows } from '../../scripts/emulator-control.ts';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';

let app: App;
beforeAll(async () => {
  app = await startApp();
});
afterAll(async () => app.stop());

const spec = (source: object, more: object = {}) => ({ connection: 'main', source, target: cityTarget, ...more });

const reset = async () => app.control('POST', 'reset', { rows: true, counters: true });

/** Bad are rows of which the population is no number. */
const withBadRows = (count: number, bad: ReadonlySet<number>, mended: boolean): string =>
  citiesCsv(count, (row) => `${row},-City ${row},DE,${bad.has(row) && !mended ? 'many' : row}`);

type Table = readonly Readonly<Record<string, string>>[];
const table = (csv: string): Table => parse(csv, { columns: true, bom: true });

describe('a run with rejected rows', () => {
  const bad = new Set([3, 500, 501, 1_999]);

  it('is mended in failures.csv and redriven: all rows end done, and no other row is sent again', async () => {
    const source = await app.put('redrive/sheet.csv', withBadRows(2_000, bad, false));
    const first = await app.run(spec(source));
    expect(first.report.counts).toEqual({ upserted: 1_996, rejected: 4 });
    const sheet = table(await app.failuresCsv(first.report.runId));
    expect(sheet.map((row) => Number(row['fanout_row']))).toEqual([...bad]);
    expect(sheet[0]).toMatchObject({
      fan_geonameid: '3',
      fan_name: "'-City 3",
      fan_population: 'many',
      fanout_outcome: 'rejected',
      fanout_class: 'mapping',
    });

    const before = (await app.journal()).length;
    const mended = sheet.map((row) => ({ ...row, fan_population: row['fan_geonameid'] ?? '' }));
    const edited = await app.put('redrive/mended.csv', stringify(mended));
    const redriven = await app.ended(await app.post(first.report.runId, 'redrive', { source: edited }));
    expect(redriven.report).toMatchObject({
      state: 'completed',
      rowsTotal: 4,
      counts: { upserted: 4 },
      lineage: { kind: 'redrive', of: first.report.runId, root: first.report.runId },
    });
    const written = (await app.journal()).slice(before);
    expect(written).toHaveLength(4);
    const rows = await app.rows('fan_city');
    expect(rows).toHaveLength(2_000);
    expect(rows.find((row) => row['fan_geonameid'] === 500)).toMatchObject({
      fan_name: '-City 500',
      fan_population: 500,
    });
    const parent = (await app.client.getRun(first.report.runId)).body;
    expect(parent.children).toEqual([redriven.report.runId]);
  });

  it('is redriven from the mended source with the same rows, and refuses one with other rows', async () => {
    await reset();
    const source = await app.put('redrive/whole.csv', withBadRows(2_000, bad, false));
    const first = await app.run(spec(source));
    const whole = await app.put('redrive/whole-mended.csv', withBadRows(2_000, bad, true));
    const redriven = await app.ended(await app.post(first.report.runId, 'redrive', { source: whole }));
    expect(redriven.report).toMatchObject({ state: 'completed', counts: { upserted: 4 } });
    expect(await app.rows('fan_city')).toHaveLength(2_000);

    const other = await app.put('redrive/other.csv', withBadRows(1_999, bad, true));
    const refused = await app.ended(await app.post(first.report.runId, 'redrive', { source: other }));
    expect(refused.report.state).toBe('failed');
    expect(refused.report.faults[0]?.detail).toContain('1999 rows');
  });

  it('names rows of the first source in whatever a redrive reports', async () => {
    await reset();
    const source = await app.put('redrive/again.csv', withBadRows(2_000, bad, false));
    const first = await app.run(spec(source));
    const again = await app.ended(await app.post(first.report.runId, 'redrive', { rows: { classes: ['mapping'] } }));
    expect(again.report.counts).toEqual({ rejected: 4 });
    expect(again.failures.map(({ sourceRow }) => sourceRow)).toEqual([...bad]);
    const third = await app.ended(await app.post(again.report.runId, 'redrive', { rows: { codes: ['no.such'] } }));
    expect(third.report).toMatchObject({ state: 'completed', rowsTotal: 0, lineage: { root: first.report.runId } });
  });

  it('notices that the source has changed, but not that it was written again as it was', async () => {
    await reset();
    const source = await app.put('redrive/pinned.csv', withBadRows(2_000, bad, false));
    const first = await app.run(spec(source));
    await app.put('redrive/pinned.csv', withBadRows(2_000, bad, false));
    const same = await app.ended(await app.post(first.report.runId, 'redrive'));
    expect(same.report.counts).toEqual({ rejected: 4 });
    await app.put('redrive/pinned.csv', withBadRows(2_000, bad, true));
    const changed = await app.ended(await app.post(first.report.runId, 'redrive'));
    expect(changed.report.state).toBe('failed');
    expect(changed.report.faults[0]?.detail).toContain('no longer the version');
  });
});

describe('a record of JSON lines', () => {
  it('is mended in failures.csv, twice if need be, and what it never named stays as it was', async () => {
    await reset();
    await app.run(spec(await app.put('redrive/before.csv', citiesCsv(3))));
    const rowTwo = async () => (await app.rows('fan_city')).find((row) => row['fan_geonameid'] === 2);
    const before = await rowTwo();
    const records = [
      { fan_geonameid: 1, fan_name: 'One', fan_country: 'DE', fan_population: 1 },
      { fan_geonameid: 2, fan_population: 'many' },
    ];
    const lines = await app.put('redrive/records.jsonl', records.map((record) => JSON.stringify(record)).join('\n'));
    const first = await app.run(spec({ ...lines, format: 'jsonl' }));
    expect(first.report.counts).toEqual({ upserted: 1, rejected: 1 });
    const mend = async (runId: string, population: string) => {
      const sheet = table(await app.failuresCsv(runId));
      expect(sheet).toHaveLength(1);
      const mended = sheet.map((row) => ({ ...row, fan_population: population }));
      const edited = await app.put(`redrive/${population}.csv`, stringify(mended));
      return app.ended(await app.post(runId, 'redrive', { source: edited }));
    };
    const second = await mend(first.report.runId, 'lots');
    expect(second.report.counts).toEqual({ rejected: 1 });
    const third = await mend(second.report.runId, '22');
    expect(third.report).toMatchObject({ counts: { upserted: 1 }, lineage: { root: first.report.runId } });
    expect(await rowTwo()).toEqual({
      ...before,
      fan_population: 22,
      modifiedon: expect.anything(),
      '@odata.etag': expect.anything(),
      versionnumber: expect.anything(),
    });
  });
});

describe('a run of 100,000 rows with 137 bad ones', () => {
  it('lists those 137; mended and redriven, all rows are done and no other is sent again', async () => {
    await reset();
    const bad = new Set(Array.from({ length: 137 }, (_, at) => at * 729 + 5));
    const source = await app.put('redrive/large.csv', withBadRows(100_000, bad, false));
    const first = await app.run(spec(source));
    expect(first.report).toMatchObject({ state: 'completed', counts: { upserted: 99_863, rejected: 137 } });
    const sheet = table(await app.failuresCsv(first.report.runId));
    expect(sheet.map((row) => Number(row['fanout_row']))).toEqual([...bad]);

    const after = (await app.control('GET', 'counters')) as { readonly journal: { readonly lastSequence: number } };
    const mended = sheet.map((row) => ({ ...row, fan_population: row['fan_geonameid'] ?? '' }));
    const edited = await app.put('redrive/large-mended.csv', stringify(mended));
    const redriven = await app.ended(await app.post(first.report.runId, 'redrive', { source: edited }));
    expect(redriven.report).toMatchObject({ state: 'completed', counts: { upserted: 137 } });
    const { journal } = (await app.control('GET', 'counters')) as typeof after;
    expect(journal.lastSequence - after.journal.lastSequence).toBe(137);
    const written = await app.journal(after.journal.lastSequence);
    const keys = written.map(({ key }) => Number(/^fan_geonameid=(\d+)$/.exec(key ?? '')?.[1]));
    expect(keys.toSorted((left, right) => left - right)).toEqual([...bad]);
    expect(await countTableRows(app.stack.emulatorUrl, 'fan_city')).toBe(100_000);
  });
});

describe('rows with one key', () => {
  const csv = ['fan_geonameid,fan_name', '1,first', '2,alone', '1,second', '3,x', '1,last', ''].join('\n');

  it('are sent once, the last wins, and the others are counted as superseded', async () => {
    await reset();
    const { report, failures } = await app.run(spec(await app.put('keys/last.csv', csv)));
    expect(report).toMatchObject({ state: 'completed', counts: { upserted: 3, notAttempted: 2 }, superseded: 2 });
    expect(failures).toEqual([]);
    expect((await app.rows('fan_city')).find((row) => row['fan_geonameid'] === 1)).toMatchObject({ fan_name: 'last' });
    expect(await app.journal()).toHaveLength(3);
    const again = await app.ended(await app.post(report.runId, 'redrive'));
    expect(again.report.rowsTotal).toBe(0);
  });

  it('are all rejected where the spec says so', async () => {
    await reset();
    const { report, failures } = await app.run(
      spec(await app.put('keys/reject.csv', csv), { options: { duplicates: 'reject' } }),
    );
    expect(report.counts).toEqual({ upserted: 2, rejected: 3 });
    expect(failures.map(({ row, rejection }) => [row, rejection?.code])).toEqual([
      [1, 'source.repeatedKey'],
      [3, 'source.repeatedKey'],
      [5, 'source.repeatedKey'],
    ]);
  });
});

describe('a fault of every row', () => {
  it('stops the run after the rows in a row that the spec tolerates', async () => {
    await reset();
    const source = await app.put(
      'stops/every.csv',
      withBadRows(20_000, new Set(Array.from({ length: 20_000 }, (_, at) => at + 1)), false),
    );
    const { report } = await app.run(spec(source));
    expect(report.state).toBe('stopped');
    expect(report.reason).toMatch(/rows in a row, up to row \d+, were rejected/);
    expect(report.counts.rejected).toBeLessThanOrEqual(60);
  });

  it('costs one small request when the service refuses them all', async () => {
    await reset();
    await app.control('POST', 'faults', {
      kind: 'error',
      match: { message: 'UpsertMultiple' },
      status: 403,
      code: '0x80040220',
      text: 'Principal user is missing prvWriteCity',
    });
    const source = await app.put('stops/privilege.csv', citiesCsv(20_000));
    const { report } = await app.run(spec(source));
    await app.control('DELETE', 'faults');
    expect(report).toMatchObject({ state: 'stopped', requests: 1, counts: { notAttempted: 20_000 } });
    expect(report.reason).toContain('prvWriteCity');
  });
});

describe('an undo', () => {
  it('deletes exactly the rows the run created, keeps those changed since, and lists them', async () => {
    await reset();
    const before = await app.put('undo/before.csv', 'fan_geonameid,fan_name\n90000,Was here before\n');
    await app.run(spec(before));
    const source = await app.put(
      'undo/create.csv',
      citiesCsv(300, (row) => `${row},City ${row},DE,${row === 7 ? 'x' : row}`),
    );
    const created = await app.run(spec(source, { target: { table: 'fan_city', operation: 'create' } }));
    expect(created.report.counts).toEqual({ created: 299, rejected: 1 });
    // The service tells times in seconds.
    const second = Math.floor(Date.now() / 1_000);
    await until('the next second', async () => Math.floor(Date.now() / 1_000) > second);
    await app.run(spec(await app.put('undo/change.csv', 'fan_geonameid,fan_name\n5,Changed\n')));

    const undone = await app.ended(await app.post(created.report.runId, 'undo'));
    expect(undone.report).toMatchObject({
      state: 'completed',
      counts: { deleted: 298, rejected: 1 },
      lineage: { kind: 'undo', of: created.report.runId },
    });
    expect(undone.failures).toMatchObject([{ sourceRow: 5, rejection: { code: 'undo.changed' } }]);
    expect((await app.rows('fan_city')).map((row) => row['fan_name']).toSorted()).toEqual([
      'Changed',
      'Was here before',
    ]);
    const refused = await app.api(`/api/runs/${undone.report.runId}/undo`, { method: 'POST' });
    expect(refused.status).toBe(409);
  });
});
