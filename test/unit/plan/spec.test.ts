import { describe, expect, it } from 'vitest';
import { parseRedriveSpec } from '../../../src/plan/redrive-spec.ts';
import { parseRunSpec } from '../../../src/plan/spec.ts';

const smallest = {
  connection: 'main',
  source: { container: 'sources', blob: 'geonames/cities.csv' },
  target: { table: 'account', operation: 'upsert', key: ['accountnumber'] },
};

function faultsOf(json: unknown): Record<string, string> {
  const parsed = parseRunSpec(json);
  return 'faults' in parsed ? Object.fromEntries(parsed.faults.map((fault) => [fault.pointer, fault.detail])) : {};
}

describe('parseRunSpec', () => {
  it('fills in every default of the smallest spec', () => {
    expect(parseRunSpec(smallest)).toEqual({
      spec: {
        ...smallest,
        source: { ...smallest.source, format: 'csv', delimiter: ',' },
        mapping: { unmapped: 'error', empty: 'null' },
        options: {
          bypassBusinessLogic: [],
          suppressFlows: false,
          duplicateDetection: false,
          duplicates: 'lastWins',
          tolerate: { inARow: 50 },
        },
      },
    });
  });

  it('takes the short form of a column mapping', () => {
    const parsed = parseRunSpec({
      ...smallest,
      mapping: { columns: { name: 'Company', parentid: { from: 'Parent', lookup: { table: 'account' } } } },
    });
    expect('spec' in parsed && parsed.spec.mapping.columns).toEqual({
      name: { from: 'Company' },
      parentid: { from: 'Parent', lookup: { table: 'account' } },
    });
  });

  it('lists all faults, each by its JSON pointer', () => {
    const faults = faultsOf({
      connection: 5,
      source: { container: 'Sources', blob: '../secret' },
      target: { table: 'account', operation: 'merge', key: [] },
      options: {
        rowsPerRequest: 1001,
        deadlineMinutes: 43_201,
        bypassStepIds: ['x\r\nY: z'],
        tolerate: { percent: 101 },
        'a/b': 1,
      },
      extra: true,
    });
    expect(Object.keys(faults).toSorted()).toEqual([
      '/connection',
      '/extra',
      '/options/a~1b',
      '/options/bypassStepIds/0',
      '/options/deadlineMinutes',
      '/options/rowsPerRequest',
      '/options/tolerate/percent',
      '/source/blob',
      '/source/container',
      '/target/key',
      '/target/operation',
    ]);
    expect(faults['/options/rowsPerRequest']).toBe('Must be at most 1000; it is 1001.');
    expect(faults['/options/deadlineMinutes']).toBe('Must be at most 43200; it is 43201.');
    expect(faults['/target/operation']).toBe('Must be one of "create", "update", "upsert", "delete"; it is "merge".');
    expect(faults['/connection']).toBe('Must be a string; it is 5.');
  });

  it('names what is missing', () => {
    expect(faultsOf({ ...smallest, target: { table: 'account' } })).toEqual({
      '/target/operation': 'Must be one of "create", "update", "upsert", "delete"; it is missing.',
    });
  });

  it.each([null, [], 'text', 3])('refuses %j as a whole', (json) => {
    expect(Object.keys(faultsOf(json))).toEqual(['']);
  });

  it.each(['a/../b', 'a//b', '/a', 'a/.b', 'a\nb', 'x'.repeat(513)])('refuses the blob name %j', (blob) => {
    expect(Object.keys(faultsOf({ ...smallest, source: { container: 'sources', blob } }))).toEqual(['/source/blob']);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the reserved name %s as a source column', (from) => {
    const json: unknown = JSON.parse(JSON.stringify({ ...smallest, mapping: { columns: { name: { from } } } }));
    expect(Object.keys(faultsOf(json))).toEqual(['/mapping/columns/name/from']);
  });

  it('refuses a column that would vanish from the mapping without a word', () => {
    const json: unknown = JSON.parse('{"columns":{"__proto__":"x","name":"Name"}}');
    expect(Object.keys(faultsOf({ ...smallest, mapping: json }))).toEqual(['/mapping/columns/__proto__']);
  });

  it('says limits and values in words', () => {
    const faults = faultsOf({
      ...smallest,
      target: { table: 'x'.repeat(129), operation: 'upsert', key: [] },
      mapping: { columns: { name: 7, city: { from: '' }, a: { from: 'prototype' } } },
    });
    expect(faults['/target/table']).toMatch(/^Must be a logical name: 1 to 128 .*; it is "x+\.\.\.\.$/);
    expect(faults['/target/key']).toBe('Must have at least 1 item; it is [].');
    expect(faults['/mapping/columns/name']).toBe('Must be the name of a source column, or an object; it is 7.');
    expect(faults['/mapping/columns/city/from']).toBe('Must have at least 1 character; it is "".');
    expect(faults['/mapping/columns/a/from']).toBe(
      'Must be a name other than __proto__, constructor and prototype; it is "prototype".',
    );
  });

  it('refuses line breaks in what becomes a header', () => {
    expect(Object.keys(faultsOf({ ...smallest, options: { tag: 'a\r\nb' } }))).toEqual(['/options/tag']);
  });

  it.each([
    ['a spec', parseRunSpec],
    ['a redrive', parseRedriveSpec],
  ])('refuses %s that is nested without end', (_, parse) => {
    const bottomless: unknown = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000));
    for (const json of [bottomless, { rows: bottomless, connection: bottomless }]) {
      expect(parse(json)).toEqual({ faults: [{ pointer: '', detail: 'Must be nested at most 16 levels deep.' }] });
    }
  });
});
