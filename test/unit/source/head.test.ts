import { describe, expect, it } from 'vitest';
import { readHead } from '../../../src/source/head.ts';
import type { SourceFormat } from '../../../src/source/source.ts';
import { comma, jsonl } from './read-source.ts';

const whole = { complete: true };
const start = { complete: false };

describe('the head of a CSV source', () => {
  it('has the header cells, quoted ones too, and the offset of the first record', () => {
    const text = 'id,"say ""hi"", you","Stra\u00dfe"\r\n1,2,3\r\n';
    expect(readHead(Buffer.from(text), comma, whole)).toEqual({
      head: {
        columns: ['id', 'say "hi", you', 'Straße'],
        dataFrom: Buffer.byteLength('id,"say ""hi"", you","Straße"\r\n'),
      },
    });
  });

  it('reads each allowed delimiter', () => {
    for (const delimiter of [',', ';', '\t', '|'] as const) {
      const head = readHead(Buffer.from(`a${delimiter}b\n`), { kind: 'csv', delimiter }, whole);
      expect(head).toEqual({ head: { columns: ['a', 'b'], dataFrom: 4 } });
    }
  });

  it('skips a UTF-8 byte order mark and blank lines before the header', () => {
    expect(readHead(Buffer.from('\ufeff\n\r\na,b\n1,2\n'), comma, whole)).toEqual({
      head: { columns: ['a', 'b'], dataFrom: 10 },
    });
  });

  it('may stand alone, without a line end', () => {
    expect(readHead(Buffer.from('a,b'), comma, whole)).toEqual({ head: { columns: ['a', 'b'], dataFrom: 3 } });
  });

  it.each(['', '\ufeff', '\n\r\n\n'])('of a file without any record is source.empty: %j', (text) => {
    for (const format of [comma, jsonl]) {
      expect(readHead(Buffer.from(text), format, whole)).toMatchObject({ fault: { code: 'source.empty' } });
    }
  });

  it('asks for more bytes as long as the header could go on, and then finds the same', () => {
    const bytes = Buffer.from('\ufeffa,"b\nb"\n1,2\n');
    const complete = readHead(bytes, comma, whole);
    for (let length = 0; length < bytes.length; length += 1) {
      const result = readHead(bytes.subarray(0, length), comma, start);
      if (length <= Buffer.byteLength('\ufeffa,"b\nb"\n')) expect(result).toEqual({ needMore: true });
      else expect(result).toEqual(complete);
    }
  });

  it('is refused when it does not end within 4 MiB', () => {
    const endless = Buffer.from('x'.repeat(4 * 1024 * 1024 + 1));
    for (const format of [comma, jsonl]) {
      expect(readHead(endless, format, start)).toMatchObject({ fault: { code: 'source.recordTooLong' } });
    }
  });

  it.each([
    { bytes: [0xff, 0xfe, 0x61, 0], name: 'UTF-16 (little-endian)' },
    { bytes: [0xfe, 0xff, 0, 0x61], name: 'UTF-16 (big-endian)' },
    { bytes: [0xff, 0xfe, 0, 0], name: 'UTF-32 (little-endian)' },
  ])('names the encoding when it is $name', ({ bytes, name }) => {
    const result = readHead(Buffer.from(bytes), comma, whole);
    expect(result).toMatchObject({ fault: { code: 'source.encoding', message: expect.stringContaining(name) } });
  });

  it.each<[string, Buffer, SourceFormat, RegExp]>([
    ['a workbook', Buffer.from('PK\u0003\u0004\u0014'), comma, /ZIP archive, perhaps an Excel workbook/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0]), comma, /compressed with gzip/],
    ['UTF-16 without a mark', Buffer.from('a,b\n1,2\n', 'utf16le'), comma, /NUL bytes: it is UTF-16 without a mark/],
    ['JSON lines as CSV', Buffer.from('{"a":1}\n'), comma, /set source.format to "jsonl"/],
    ['a JSON array as CSV', Buffer.from('\ufeff[\n  {"a":1}]'), comma, /looks like JSON/],
    ['a JSON array as JSON lines', Buffer.from('[{"a":1}]\n'), jsonl, /one object a line, without brackets/],
  ])('names %s', (_what, bytes, format, message) => {
    expect(readHead(bytes, format, whole)).toMatchObject({
      fault: { message: expect.stringMatching(message), row: 0, byteOffset: 0 },
    });
  });

  it('points to the first byte that is not UTF-8', () => {
    const windows1252 = Buffer.from('a,Stra\u00dfe\n1,2\n', 'latin1');
    expect(readHead(windows1252, comma, whole)).toMatchObject({
      fault: { code: 'source.encoding', row: 0, byteOffset: 6 },
    });
  });

  it.each([
    ['a,b,a\n', 'The name "a" stands twice, the second time as column 3.'],
    ['a,,c\n', 'Column 2 has no name.'],
    ['a,"",c\n', 'Column 2 has no name.'],
    ['a,__proto__\n', 'Column 2 has the name __proto__, which is reserved.'],
    ['constructor\n', 'Column 1 has the name constructor, which is reserved.'],
    ['prototype\n', 'Column 1 has the name prototype, which is reserved.'],
  ])('refuses names that cannot be told apart or used: %j', (text, message) => {
    expect(readHead(Buffer.from(text), comma, whole)).toEqual({
      fault: { code: 'source.header', message, row: 0, byteOffset: 0 },
    });
  });

  it('has no names that are whole texts', () => {
    const result = readHead(Buffer.from(`a,${'x'.repeat(401)}\n`), comma, whole);
    expect(result).toMatchObject({ fault: { code: 'source.header', message: expect.stringContaining('Column 2') } });
  });

  it('has at most 1,000 columns', () => {
    const names = Array.from({ length: 1001 }, (_, index) => `c${index}`);
    expect(readHead(Buffer.from(names.slice(1).join()), comma, whole)).toHaveProperty('head');
    expect(readHead(Buffer.from(names.join()), comma, whole)).toMatchObject({ fault: { code: 'source.header' } });
  });

  it.each([
    ['a,b"b,c\n', 'source.quoteInField', 3],
    ['a,"b"b,c\n', 'source.textAfterQuote', 5],
    ['a,"b,c\n', 'source.unclosedQuote', 2],
    ['a,b\rc,d\r', 'source.loneReturn', 3],
  ])('is refused when it is malformed: %j', (text, code, byteOffset) => {
    expect(readHead(Buffer.from(text), comma, whole)).toMatchObject({ fault: { code, row: 0, byteOffset } });
  });
});

describe('the head of a JSON lines source', () => {
  it('has the members of the first record, which is a record itself', () => {
    expect(readHead(Buffer.from('\ufeff\n{"a":1,"Stra\\u00dfe":2}\n{"c":3}\n'), jsonl, whole)).toEqual({
      head: { columns: ['a', 'Straße'], dataFrom: 3 },
    });
  });

  it.each([
    ['{"a":1,"a":2}\n', 'source.json'],
    ['{"__proto__":1}\n', 'source.header'],
    ['{"":1}\n', 'source.header'],
    ['{}\n', 'source.header'],
    ['1\n', 'source.json'],
    ['{"a":1\n', 'source.json'],
  ])('is refused when the first record is no head: %j', (text, code) => {
    expect(readHead(Buffer.from(text), jsonl, whole)).toMatchObject({ fault: { code, row: 1 } });
  });

  it('asks for more bytes until the first line ends', () => {
    expect(readHead(Buffer.from('{"a":1,"b'), jsonl, start)).toEqual({ needMore: true });
    expect(readHead(Buffer.from('{"a":1}\n{'), jsonl, start)).toEqual({ head: { columns: ['a'], dataFrom: 0 } });
  });
});
