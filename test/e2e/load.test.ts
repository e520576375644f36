import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, type App } from '../support/app.ts';

let app: App;
beforeAll(async () => {
  app = await startApp();
});
afterAll(async () => app.stop());

const spec = (source: object, more: object = {}) => ({ connection: 'main', source, target: cityTarget, ...more });

describe('an upsert of a CSV file', () => {
  it('loads every row, proves it, and loading the file again changes neither count nor table', async () => {
    const source = await app.put('load/cities.csv', citiesCsv(5_000));
    const first = await app.run(spec(source));
    expect(first.view.state).toBe('completed');
    expect(first.report).toMatchObject({
      rowsTotal: 5_000,
      counts: { upserted: 5_000 },
      proof: { tiles: true, rowsCovered: 5_000, sumsAgree: true },
    });
    // The plan was kept, and stands beside what came of it.
    expect(first.report.plan?.planned).toEqual(first.view.plan);
    expect(first.report.plan).toMatchObject({
      planned: { entitledRequests: 5_000, basis: { cost: 'assumed' } },
      actual: { entitledRequests: 5_000, requests: first.report.requests },
    });
    expect(first.view.progress?.secondsLeft).toBeNull();
    const rows = await app.rows('fan_city');
    expect(rows).toHaveLength(5_000);
    expect(rows.find((row) => row['fan_geonameid'] === 77)).toMatchObject({
      fan_name: 'Stadt "77"',
      fan_country: 'DE',
      fan_population: 231,
    });

    const second = await app.run(spec(source));
    expect(second.report).toMatchObject({ state: 'completed', rowsTotal: 5_000, counts: { upserted: 5_000 } });
    expect(await app.rows('fan_city')).toHaveLength(5_000);

    const plan = await app.client.planRun(spec(source));
    expect(plan).toMatchObject({
      rows: { count: 5_000, exact: true },
      unchecked: null,
      entitledRequests: 5_000,
      basis: { cost: 'measured', inFlight: { likely: 8 }, inFlightFrom: 'hint' },
    });
    expect(plan.seconds.least).toBeLessThan(plan.seconds.most);
    await expect(app.client.planRun(spec({ container: 'sources', blob: 'none' }))).rejects.toThrow('fault');
    expect(await app.client.listRuns(10)).toHaveLength(2);
  });

  it('rejects bad rows one by one, says why and where, and loads the others', async () => {
    const source = await app.put(
      'load/bad.csv',
      [
        'fan_geonameid,fan_name,fan_country,fan_population',
        '900001,Good,DE,1',
        `900002,${'x'.repeat(201)},DE,1`,
        '900003,Ragged,DE',
        '900004,Letters,DE,many',
        '900005,Also good,DE,5',
        '900006,,DE,1',
        '',
      ].join('\n'),
    );
    const { view, failures } = await app.run(spec(source));
    expect(view.state).toBe('completed');
    expect(view.progress?.counts).toEqual({ upserted: 2, rejected: 4 });
    expect(failures.map(({ row, rejection }) => [row, rejection?.class])).toEqual([
      [2, 'mapping'],
      [3, 'source'],
      [4, 'mapping'],
      [6, 'service'],
    ]);
    expect(failures[1]?.rejection).toMatchObject({ code: 'source.ragged' });
    const loaded = (await app.rows('fan_city')).filter((row) => Number(row['fan_geonameid']) > 900_000);
    expect(loaded.map((row) => row['fan_geonameid']).toSorted()).toEqual([900_001, 900_005]);
  });

  it('stops when more rows are rejected than the spec tolerates, and accounts for the rest', async () => {
    const source = await app.put(
      'load/stop.csv',
      citiesCsv(3_000, (row) => `${800_000 + row},N,DE,${row % 2 === 0 ? 'x' : row}`),
    );
    const { report } = await app.run(spec(source, { options: { tolerate: { count: 10 } } }));
    expect(report.state).toBe('stopped');
    const loaded = (await app.rows('fan_city')).filter(
      (row) => Number(row['fan_geonameid']) > 800_000 && Number(row['fan_geonameid']) <= 803_000,
    );
    expect(report.counts.upserted).toBe(loaded.length);
    expect(report.counts.rejected).toBeGreaterThan(10);
  });

  it('takes a file without rows', async () => {
    const source = await app.put('load/empty.csv', 'fan_geonameid,fan_name\n');
    expect((await app.run(spec(source))).report).toMatchObject({ state: 'completed', rowsTotal: 0, counts: {} });
  });

  it('takes JSON lines', async () => {
    const source = await app.put(
      'load/cities.jsonl',
      '{"fan_geonameid":700001,"fan_name":"東京"}\n{"fan_geonameid":"700002","fan_name":null}\n',
    );
    const { report, failures } = await app.run(spec({ ...source, format: 'jsonl' }));
    expect(report.counts).toEqual({ upserted: 1, rejected: 1 });
    expect(failures.map(({ row }) => row)).toEqual([2]);
    expect((await app.rows('fan_city')).find((row) => row['fan_geonameid'] === 700_001)).toMatchObject({
      fan_name: '東京',
    });
  });
});

describe('the example of the README', () => {
  const read = async (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

  it('is the sample, and loads its customers with their parents, at the first and at a second time', async () => {
    const spec: unknown = JSON.parse(/```json\n(.*?)```/s.exec(await read('README.md'))?.[1] ?? '');
    expect(spec).toEqual(JSON.parse(await read('samples/customers/spec.json')));
    await app.put('customers.csv', await read('samples/customers/customers.csv'));
    for (const time of ['first', 'second']) {
      const { report } = await app.run(spec as object);
      expect(report, time).toMatchObject({ state: 'completed', counts: { upserted: 8 } });
    }
    const rows = await app.rows('fan_customer');
    expect(rows).toHaveLength(8);
    const idOf = (number: string) => rows.find((row) => row['fan_number'] === number)?.['fan_customerid'];
    const child = rows.find((row) => row['fan_number'] === 'C-1110');
    expect(child).toMatchObject({ fan_name: 'Alder Harbour Services', _fan_parentid_value: idOf('C-1100') });
  });

  it('names a column that the file has and the spec does not use', async () => {
    const spec = JSON.parse(await read('samples/customers/spec.json')) as object;
    const source = await app.put('customers-with-phone.csv', 'Number,Company,City,Parent,Phone\nC-1,A,B,,1\n');
    const { view } = await app.run({ ...spec, source });
    expect([view.state, view.faults.map(({ pointer }) => pointer)]).toEqual(['failed', ['/mapping/columns']]);
  });
});

describe('the other operations', () => {
  it('creates with keys of its own, updates and deletes by alternate key', async () => {
    const header = 'fan_geonameid,fan_name';
    const created = await app.put(
      'ops/create.csv',
      `${header}\n${Array.from({ length: 250 }, (_, at) => `${600_000 + at},New ${at}`).join('\n')}\n`,
    );
    const create = await app.run({
      connection: 'main',
      source: created,
      target: { table: 'fan_city', operation: 'create' },
    });
    expect(create.report.counts).toEqual({ created: 250 });

    const again = await app.run({
      connection: 'main',
      source: created,
      target: { table: 'fan_city', operation: 'create' },
      options: { tolerate: { inARow: 1_000 } },
    });
    expect(again.report.counts).toEqual({ rejected: 250 });

    const updated = await app.put('ops/update.csv', `${header}\n600000,Changed\n999999,Nobody\n`);
    const update = await app.run({
      connection: 'main',
      source: updated,
      target: { ...cityTarget, operation: 'update' },
    });
    expect(update.report.counts).toEqual({ updated: 1, rejected: 1 });

    const deleted = await app.put('ops/delete.csv', 'fan_geonameid\n600000\n600001\n999999\n');
    const remove = await app.run({
      connection: 'main',
      source: deleted,
      target: { ...cityTarget, operation: 'delete' },
    });
    expect(remove.report.counts).toEqual({ deleted: 2, alreadyAbsent: 1 });
    const left = (await app.rows('fan_city')).filter(
      (row) => Number(row['fan_geonameid']) >= 600_000 && Number(row['fan_geonameid']) < 600_250,
    );
    expect(left).toHaveLength(248);
  });
});
