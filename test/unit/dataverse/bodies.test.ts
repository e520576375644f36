import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildBulkBody, bulkPath, readBulkAnswer } from '../../../src/dataverse/bulk-messages.ts';
import { keyIdentity, keySegment, separateEqualKeys } from '../../../src/dataverse/key-text.ts';
import { buildBatchBody, writeOperation } from '../../../src/dataverse/odata-batch.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import { guid, row, rowByKey, standardTable } from './support.ts';

const oneByte = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const jsonOf = (body: Buffer) => JSON.parse(body.toString('utf8')) as { Targets: Record<string, unknown>[] };
const type = 'Microsoft.Dynamics.CRM.fan_city';

describe('buildBulkBody', () => {
  it('puts the primary id and the type into every item', () => {
    const rows = [row(1), row(2, '')];
    expect(jsonOf(buildBulkBody('CreateMultiple', standardTable, rows)).Targets).toEqual([
      { '@odata.type': type, fan_cityid: guid(1), name: 'row 1' },
      { '@odata.type': type, fan_cityid: guid(2) },
    ]);
  });

  it('names rows by alternate key with a relative id', () => {
    const rows = [rowByKey(1, oneByte(`fan_code='O''Hara "東"\\',fan_year=5`))];
    expect(jsonOf(buildBulkBody('UpsertMultiple', standardTable, rows)).Targets).toEqual([
      { '@odata.type': type, '@odata.id': `fan_cities(fan_code='O''Hara "東"\\',fan_year=5)`, name: 'row 1' },
    ]);
  });

  it('names rows of elastic tables by id and partition', () => {
    const partitioned = { ...row(1), key: { kind: 'id', id: guid(1), partitionId: oneByte('é"1') } } as const;
    expect(jsonOf(buildBulkBody('DeleteMultiple', standardTable, [partitioned])).Targets).toEqual([
      { '@odata.type': type, fan_cityid: guid(1), partitionid: 'é"1' },
    ]);
    expect(keySegment(standardTable, { ...partitioned.key, partitionId: oneByte("d'1 é") })).toBe(
      `fan_cities(fan_cityid=${guid(1)},partitionid='d''1%20%C3%A9')`,
    );
  });

  it('sends nothing but keys for a delete', () => {
    expect(jsonOf(buildBulkBody('DeleteMultiple', standardTable, [row(1)])).Targets).toEqual([
      { '@odata.type': type, fan_cityid: guid(1) },
    ]);
  });

  it('passes the bytes of members through unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const members = oneByte(`"name":${JSON.stringify(value)}`);
        const [target] = jsonOf(buildBulkBody('UpsertMultiple', standardTable, [row(1, members)])).Targets;
        expect(target?.['name']).toBe(value);
      }),
    );
  });

  it('is sent to the collection', () => {
    expect(bulkPath('UpsertMultiple', standardTable)).toBe('fan_cities/Microsoft.Dynamics.CRM.UpsertMultiple');
  });
});

describe('readBulkAnswer', () => {
  const rows = [row(1), row(2)];
  const ids = (...values: unknown[]) => ({ status: 200, body: JSON.stringify({ Ids: values }) });

  it('accepts the ids of all rows in any case, and an empty answer to the other messages', () => {
    expect(() => readBulkAnswer('CreateMultiple', rows, ids(guid(1), guid(2).toUpperCase()))).not.toThrow();
    expect(() => readBulkAnswer('UpsertMultiple', rows, { status: 204, body: '' })).not.toThrow();
  });

  it.each([
    ids(guid(1)),
    ids(guid(1), guid(2), guid(3)),
    ids(guid(2), guid(1)),
    ids(guid(1), null),
    { status: 200, body: '{"Ids":["' },
    { status: 204, body: '' },
    { status: 200, body: '[]' },
  ])('takes $body for no answer to CreateMultiple', (answer) => {
    expect(() => readBulkAnswer('CreateMultiple', rows, answer)).toThrow(/answer/);
  });

  it('takes a cut body for no answer to UpsertMultiple', () => {
    expect(() => readBulkAnswer('UpsertMultiple', rows, { status: 200, body: '{"@odata' })).toThrow(/answer/);
  });
});

describe('keySegment', () => {
  it.each([
    ["fan_code='O''Hara'", "fan_cities(fan_code='O''Hara')"],
    ["fan_code='a/b?c#d%25=,&'", "fan_cities(fan_code='a%2Fb%3Fc%23d%2525%3D%2C%26')"],
    ["k1='x y',k2=5", "fan_cities(k1='x%20y',k2=5)"],
    ["fan_code='東'", "fan_cities(fan_code='%E6%9D%B1')"],
    ["fan_code=''", "fan_cities(fan_code='')"],
  ])('encodes the literals of %s once and leaves the syntax alone', (predicate, segment) => {
    expect(keySegment(standardTable, rowByKey(1, oneByte(predicate)).key)).toBe(segment);
  });

  it('gives back any text when it is decoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const predicate = `code='${value.replaceAll("'", "''")}'`;
        const segment = keySegment({ entitySetName: 's', primaryIdColumn: 'id' }, rowByKey(1, oneByte(predicate)).key);
        expect(segment).toMatch(/^s\(code='[A-Za-z0-9%'()*!~._-]*'\)$/);
        expect(decodeURIComponent(segment)).toBe(`s(${predicate})`);
      }),
    );
  });
});

describe('separateEqualKeys', () => {
  const items = (...rows: EncodedRow[]) => rows.map((one) => ({ row: one }));
  const numbers = (layers: { row: EncodedRow }[][]) => layers.map((layer) => layer.map((item) => item.row.row));

  it('sends rows of different keys together', () => {
    expect(numbers(separateEqualKeys(items(row(1), row(2), row(3))))).toEqual([[1, 2, 3]]);
  });

  it('puts equal keys one behind the other in the order of the rows', () => {
    const same = (n: number) => rowByKey(n, "code='A'");
    const rows = items(same(1), rowByKey(2, "code='B'"), same(3), same(4));
    expect(numbers(separateEqualKeys(rows))).toEqual([[1, 2], [3], [4]]);
  });

  it.each([
    ["code='ABC'", "code='abc'"],
    ["code='abc'", "code='abc  '"],
    ["code='Zoë'", "code='zoe'"],
    ["code='ＡＢＣ'", "code='abc'"],
  ])('takes %s and %s for equal, as the service does', (left, right) => {
    expect(keyIdentity(rowByKey(1, oneByte(left)).key)).toBe(keyIdentity(rowByKey(2, oneByte(right)).key));
  });
});

describe('writeOperation', () => {
  const sent = { apiRoot: '/api/data/v9.2/', query: '?tag=x', headers: {} };

  it('makes every operation repeatable', () => {
    const path = `/api/data/v9.2/fan_cities(${guid(1)})?tag=x`;
    const body = '{"name":"row 1"}';
    expect(writeOperation(standardTable, 'create', row(1), sent)).toEqual({
      method: 'POST',
      path: '/api/data/v9.2/fan_cities?tag=x',
      headers: {},
      body: `{"fan_cityid":"${guid(1)}","name":"row 1"}`,
    });
    expect(writeOperation(standardTable, 'upsert', row(1), sent)).toEqual({ method: 'PATCH', path, headers: {}, body });
    expect(writeOperation(standardTable, 'update', row(1), sent)).toEqual({
      method: 'PATCH',
      path,
      headers: { 'If-Match': '*' },
      body,
    });
    expect(writeOperation(standardTable, 'delete', row(1), sent)).toEqual({ method: 'DELETE', path, headers: {} });
  });

  it('creates by alternate key only what is not there', () => {
    expect(writeOperation(standardTable, 'create', rowByKey(1, "code='a b'"), { ...sent, query: '' })).toEqual({
      method: 'PATCH',
      path: "/api/data/v9.2/fan_cities(code='a%20b')",
      headers: { 'If-None-Match': '*' },
      body: '{"name":"row 1"}',
    });
  });
});

describe('buildBatchBody', () => {
  it('breaks every line with CRLF and closes with one', () => {
    const { body, contentType } = buildBatchBody([
      { method: 'POST', path: '/x', headers: { 'MSCRM.Y': 'z' }, body: '{"a":1}' },
      { method: 'DELETE', path: '/x(1)', headers: {} },
    ]);
    const boundary = /^multipart\/mixed; boundary="(batch_[0-9a-f]{32})"$/.exec(contentType)?.[1] ?? '';
    expect(body.toString('latin1').replaceAll(boundary, 'B')).toBe(
      [
        '--B',
        'Content-Type: application/http',
        'Content-Transfer-Encoding: binary',
        '',
        'POST /x HTTP/1.1',
        'Content-Type: application/json; type=entry',
        'MSCRM.Y: z',
        '',
        '{"a":1}',
        '--B',
        'Content-Type: application/http',
        'Content-Transfer-Encoding: binary',
        '',
        'DELETE /x(1) HTTP/1.1',
        '',
        '',
        '--B--',
        '',
      ].join('\r\n'),
    );
  });
});
