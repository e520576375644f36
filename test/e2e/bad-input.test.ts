import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, type App } from '../support/app.ts';

let app: App;
let source: { readonly container: string; readonly blob: string };
beforeAll(async () => {
  app = await startApp();
  source = await app.put('cities.csv', citiesCsv(10));
});
afterAll(async () => app.stop());

async function post(body: string, headers: Record<string, string> = {}) {
  const response = await app.api('/api/runs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    location: response.headers.get('location'),
    json: (await response.json()) as Problem,
  };
}

interface Problem {
  readonly title: string;
  readonly runId?: string;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
}

const good = () => ({ connection: 'main', source, target: cityTarget });
const pointersOf = ({ errors }: Problem) => errors.map(({ pointer }) => pointer).toSorted();

describe('POST /api/runs', () => {
  it('lists all faults of a spec by JSON pointer', async () => {
    const { status, contentType, json } = await post(
      JSON.stringify({ connection: '', source: {}, target: { table: 'A', operation: 'x' }, more: 1 }),
    );
    expect(status).toBe(400);
    expect(contentType).toBe('application/problem+json');
    expect(pointersOf(json)).toEqual([
      '/connection',
      '/more',
      '/source/blob',
      '/source/container',
      '/target/operation',
      '/target/table',
    ]);
  });

  it('names an unknown connection and an unknown blob together', async () => {
    const { json } = await post(
      JSON.stringify({ ...good(), connection: 'other', source: { container: 'sources', blob: 'nothing.csv' } }),
    );
    expect(json.errors.map(({ detail }) => detail)).toEqual([
      'Connection "other" is not configured. Configured: main.',
      'Blob "nothing.csv" does not exist in container "sources".',
    ]);
  });

  it('names unknown connection and container beside the faults of the spec itself', async () => {
    const { json } = await post(
      JSON.stringify({
        connection: 'mian',
        source: { container: 'sorces', blob: 'a.csv', fromat: 'csv' },
        target: { table: 'account', operation: 'upsrt' },
      }),
    );
    expect(pointersOf(json)).toEqual(['/connection', '/source/container', '/source/fromat', '/target/operation']);
  });

  it('names a container that sources may not come from', async () => {
    const { json } = await post(JSON.stringify({ ...good(), source: { container: 'fanout-runs', blob: 'a.csv' } }));
    expect(pointersOf(json)).toEqual(['/source/container']);
  });

  it.each(['', ' ', 'k'.repeat(257)])(
    'refuses the idempotency-key %j, which names nothing or too much',
    async (key) => {
      const { status, json } = await post(JSON.stringify(good()), { 'idempotency-key': key });
      expect(status).toBe(400);
      expect(json.title).toContain('idempotency-key must have 1 to 256 characters');
    },
  );

  it.each(['', '{', 'null', '[]', '"text"'])('refuses the body %j', async (body) => {
    const { status, json } = await post(body);
    expect(status).toBe(400);
    expect(pointersOf(json)).toEqual(['']);
  });

  it('refuses a body beyond its limit', async () => {
    expect((await post(JSON.stringify({ ...good(), more: 'x'.repeat(70_000) }))).status).toBe(413);
  });

  it('refuses a form of another site', async () => {
    expect((await post(JSON.stringify(good()), { origin: 'https://elsewhere.example' })).status).toBe(403);
  });

  it('answers one idempotency key with one run, and refuses it for another spec', async () => {
    const headers = { 'idempotency-key': 'once' };
    const answers = await Promise.all([post(JSON.stringify(good()), headers), post(JSON.stringify(good()), headers)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(new Set(answers.map(({ json }) => json.runId)).size).toBe(1);
    expect(answers[0].location).toBe(`/api/runs/${answers[0].json.runId ?? ''}`);
    expect((await post(JSON.stringify({ ...good(), options: { rowsPerRequest: 7 } }), headers)).status).toBe(409);
    await app.ended(answers[0].json.runId ?? '');
  });
});

describe('a run that cannot begin', () => {
  async function faultsOf(more: object): Promise<readonly (readonly [string, string])[]> {
    const before = (await app.journal()).length;
    const spec = { ...good(), ...more };
    const plan = await app.api('/api/plans', { method: 'POST', body: JSON.stringify(spec) });
    const { view, report } = await app.run(spec);
    expect(view.state).toBe('failed');
    expect(plan.status).toBe(400);
    expect(((await plan.json()) as Problem).errors).toEqual(view.faults);
    expect(report.faults).toEqual(view.faults);
    expect(await app.journal()).toHaveLength(before);
    return view.faults.map(({ pointer, detail }) => [pointer, detail] as const);
  }

  it('names an unknown table', async () => {
    const faults = await faultsOf({ target: { table: 'fan_town', operation: 'upsert', key: ['fan_geonameid'] } });
    expect(faults.map(([pointer]) => pointer)).toEqual(['/target/table']);
    expect(faults[0]?.[1]).toContain('fan_town');
  });

  it('names every unknown column and key at once', async () => {
    const faults = await faultsOf({
      target: { table: 'fan_city', operation: 'upsert', key: ['fan_nothing'] },
      mapping: { columns: { fan_nam: 'fan_name', fan_country: 'no such header' } },
    });
    const pointers = faults.map(([pointer]) => pointer);
    expect(pointers).toContain('/mapping/columns/fan_nam');
    expect(pointers).toContain('/mapping/columns/fan_country/from');
    expect(pointers.some((pointer) => pointer.startsWith('/target/key'))).toBe(true);
  });

  it('names a lookup key that the other table does not have', async () => {
    const blob = await app.put('contacts.csv', 'last,company\nA,1\n');
    const faults = await faultsOf({
      source: blob,
      target: { table: 'contact', operation: 'create' },
      mapping: {
        columns: {
          lastname: 'last',
          parentcustomerid: { from: 'company', lookup: { table: 'account', key: 'accountnumber' } },
        },
      },
    });
    expect(faults.map(([pointer]) => pointer)).toEqual(['/mapping/columns/parentcustomerid/lookup/key']);
    expect(faults[0]?.[1]).toContain('accountnumber alone is not an alternate key of account');
  });

  it('says where a quote opens that never closes', async () => {
    const blob = await app.put('open-quote.csv', 'fan_geonameid,fan_name\n1,A\n2,"never closed\n3,C\n');
    const faults = await faultsOf({ source: blob });
    expect(faults).toHaveLength(1);
    expect(faults[0]?.[1]).toMatch(/row 2, byte 29/);
  });

  it('says when the delimiter is another one', async () => {
    const blob = await app.put('semicolons.csv', 'fan_geonameid;fan_name\n1;A\n');
    expect((await faultsOf({ source: blob }))[0]).toEqual([
      '/source/delimiter',
      'Read with ",", the header is one column that holds ";": perhaps that is the delimiter.',
    ]);
  });

  it('refuses a file that is not UTF-8 by its mark', async () => {
    const blob = await app.put(
      'utf16.csv',
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('fan_geonameid\n1\n', 'utf16le')]),
    );
    expect((await faultsOf({ source: blob }))[0]?.[1]).toContain('UTF-16');
  });
});

describe('a file with bad records', () => {
  it('reports ragged records and bad bytes by row number and byte offset, and loads the others', async () => {
    const blob = await app.put(
      'bad-bytes.csv',
      Buffer.concat([Buffer.from('fan_geonameid,fan_name\n1,A\n2,'), Buffer.from([0xff]), Buffer.from('\n3\n4,D\n')]),
    );
    const { report, failures } = await app.run({ ...good(), source: blob });
    expect(report.counts).toEqual({ upserted: 2, rejected: 2 });
    expect(failures.map(({ row, from, rejection }) => [row, from, rejection?.code])).toEqual([
      [2, 27, 'source.encoding'],
      [3, 31, 'source.ragged'],
    ]);
    expect(failures[0]?.rejection?.message).toMatch(/row 2, byte 29/);
  });
});

describe('what does not exist', () => {
  it.each([
    '/api/runs/none',
    '/api/runs/none/report',
    '/api/runs/..%2f..',
    '/api/runs/none/failures',
    '/api/dashboard/other.js',
  ])('answers 404 to GET %s', async (path) => {
    expect((await app.api(path)).status).toBe(404);
  });
});
