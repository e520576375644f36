import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRows } from '../../../src/source/rows.ts';
import { cellsOf, jsonl, listed, readSource } from './read-source.ts';

/** Rows of lines read under the given columns. */
function read(text: string, columns: readonly string[]) {
  return [...readRows(Buffer.from(text), jsonl, { columns, firstRow: 1, from: 0 })].map(listed);
}

describe('JSON lines', () => {
  it('keep every digit of a number', () => {
    const line = '{"a":9223372036854775807,"b":-0.10,"c":1E+2,"d":123456789012345678.901234567890}';
    expect(read(line, ['a', 'b', 'c', 'd'])).toMatchObject([
      { cells: ['9223372036854775807', '-0.10', '1E+2', '123456789012345678.901234567890'] },
    ]);
  });

  it('give texts without escapes, booleans as words, null and what is missing apart', () => {
    const line = '{ "a" : "x\\n\\"\\u00e9\\ud83d\\ude00é" ,\t"b":true,"c":null , "e":"" }';
    const [row] = read(line, ['a', 'b', 'c', 'd', 'e']);
    const oneByte = Buffer.from('x\n"é😀é').toString('latin1');
    expect(row).toMatchObject({
      row: 1,
      from: 0,
      to: Buffer.byteLength(line),
      cells: [oneByte, 'true', null, undefined, ''],
    });
  });

  it('give objects and arrays as they are written, apart from texts that look like them', () => {
    const line = '{"a":{"b":["]}\\"",{}]},"c":[ ],"d":"[]"}';
    expect(read(line, ['a', 'c', 'd'])).toMatchObject([
      { cells: [{ json: '{"b":["]}\\"",{}]}' }, { json: '[ ]' }, '[]'] },
    ]);
  });

  it('name the members that the head does not have', () => {
    expect(read('{"b":1,"é":2,"a":3}', ['a'])).toMatchObject([{ cells: ['3'], extra: ['b', 'é'] }]);
    expect(read('{"a":3}', ['a'])[0]).not.toHaveProperty('extra');
  });

  it.each([
    { line: '{"a":1', message: 'not valid JSON' },
    { line: '{"a":01}', message: 'not valid JSON' },
    { line: "{'a':1}", message: 'not valid JSON' },
    { line: '{"a":NaN}', message: 'not valid JSON' },
    { line: '{"a":"x\ty"}', message: 'not valid JSON' },
    { line: '{"a":1} {"a":2}', message: 'not valid JSON' },
    { line: '[{"a":1}]', message: 'not a JSON object' },
    { line: 'null', message: 'not a JSON object' },
    { line: '{"a":1,"\\u0061":2}', message: 'twice', at: 7 },
    { line: '{"a":"\\ud800"}', message: 'surrogate', at: 5 },
    { line: `{"a":${'['.repeat(16)}${']'.repeat(16)}}`, message: 'nested more than 16 levels', at: 20 },
    { line: `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, message: 'nested more than 16 levels', at: 20 },
    { line: `{"a":"${'x'.repeat(1024 * 1024 + 1)}"}`, message: 'longer than 1048576', at: 5 },
    {
      line: `{${Array.from({ length: 1001 }, (_, index) => `"m${index}":0`).join()}}`,
      message: 'more than 1000 members',
    },
  ])('refuse a record that is $message', ({ line, message, at }) => {
    const first = '{"a":1}\n';
    const [good, bad, last] = read(`${first}${line}\n{"a":2}`, ['a']);
    expect(good).toMatchObject({ cells: ['1'] });
    expect(last).toMatchObject({ row: 3, cells: ['2'] });
    expect(bad).toMatchObject({ fault: { code: 'source.json', row: 2, message: expect.stringContaining(message) } });
    if (at !== undefined) expect(bad).toMatchObject({ fault: { byteOffset: first.length + at } });
  });

  it('never repeat the contents of a record in a message', () => {
    const [row] = read('{"a":secret}', ['a']);
    expect(JSON.stringify(row)).not.toContain('secret');
  });

  it('point to bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xfc]), Buffer.from('"}\n')]);
    const rows = [...readRows(bytes, jsonl, { columns: ['a'], firstRow: 5, from: 100 })];
    expect(rows[1]).toMatchObject({ fault: { code: 'source.encoding', row: 6, byteOffset: 114 } });
  });

  it('refuse a record over 4 MiB', () => {
    const values = Array.from({ length: 5 }, (_, index) => `"m${index}":"${'x'.repeat(1024 * 1024 - 10)}"`);
    const { indexed, rows } = readSource(`{"m0":""}\n{${values.join()}}\n`, jsonl);
    expect(indexed.faults).toMatchObject([{ code: 'source.recordTooLong', row: 2 }]);
    expect(rows[1]).toMatchObject({ fault: { code: 'source.recordTooLong', row: 2, byteOffset: 10 } });
  });

  it('do not care for quotation marks when they are counted', () => {
    const { indexed, rows } = readSource('{"a":"\\""}\n{"a":"\n{"a":"2"}\n', jsonl);
    expect(indexed).toMatchObject({ rowCount: 3, faults: [] });
    expect(rows).toMatchObject([{ cells: ['"'] }, { fault: { row: 2 } }, { cells: ['2'] }]);
  });

  it('are read alike by the quick way and the careful one', () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }).map((each) => JSON.stringify(each)),
      fc.constantFrom(
        'tru',
        '01',
        '1.',
        '-',
        '.5',
        '1e5',
        '1E+2',
        '"',
        '"\t"',
        '"\\u00e9"',
        'nul',
        'null',
        '""',
        '1 2',
        '+1',
        'x',
      ),
    );
    const space = fc.constantFrom('', ' ', '  ', '\t');
    const line = fc
      .tuple(value, value, fc.array(space, { minLength: 6, maxLength: 6 }), fc.constantFrom('}', '', '},', '} ', '}}'))
      .map(([a, b, [s0, s1, s2, s3, s4, s5], end]) => `{${s0}"a"${s1}:${s2}${a}${s3},${s4}"b":${b}${s5}${end}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (texts, lineEnd) => {
        const text = texts.join(lineEnd);
        // Members in another order than the head's are not for the quick way.
        const careful = read(text, ['b', 'a']).map((row) =>
          'fault' in row ? row : { ...row, cells: row.cells.toReversed() },
        );
        expect(read(text, ['a', 'b'])).toEqual(careful);
      }),
      { numRuns: 3_000 },
    );
  });

  it('give back any record, in any chunks and slices', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    );
    const records = fc.array(fc.record({ 'é"\\': scalar, b: fc.option(scalar), c: scalar }), {
      minLength: 1,
      maxLength: 20,
    });
    const layout = fc.record({
      chunkBytes: fc.integer({ min: 1, max: 30 }),
      entryRows: fc.nat({ max: 3 }),
      gap: fc.boolean(),
    });
    fc.assert(
      fc.property(records, layout, (values, { gap, ...reading }) => {
        const text = values.map((value) => JSON.stringify(value)).join(gap ? '\r\n\r\n' : '\n');
        const { rows, head, slices } = readSource(text, jsonl, { ...reading, sliceRows: 3 });
        expect(head.columns).toEqual(['é"\\', 'b', 'c']);
        expect(slices.at(-1)?.to).toBe(Buffer.byteLength(text));
        const expected = values.map((value) =>
          Object.values(value).map((each) => (each === null ? null : asText(each))),
        );
        expect(rows.map(cellsOf)).toEqual(expected);
      }),
    );
  });
});

const asText = (value: string | number | boolean) =>
  typeof value === 'string' ? Buffer.from(value).toString('latin1') : JSON.stringify(value);
