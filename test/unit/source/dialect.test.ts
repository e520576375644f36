import { describe, expect, it } from 'vitest';
import { cellsOf, comma, readSource, shown, type ListedRow } from './read-source.ts';

const faultsOf = (rows: readonly ListedRow[]) => rows.flatMap((row) => ('fault' in row ? [row.fault] : []));

describe('CSV that makes the structure of the file doubtful', () => {
  it.each([
    {
      name: 'a quotation mark inside a bare field',
      text: 'a,b\n1,2\n3,5" pipe\n6,7\n',
      code: 'quoteInField',
      row: 2,
      at: 11,
    },
    {
      name: 'text behind a closing quotation mark',
      text: 'a,b\n1,2\n"3"x,4\n',
      code: 'textAfterQuote',
      row: 2,
      at: 11,
    },
    { name: 'a space behind a closing quotation mark', text: 'a,b\n"1" ,2\n', code: 'textAfterQuote', row: 1, at: 7 },
    { name: 'a space before an opening quotation mark', text: 'a,b\n1, "2"\n', code: 'quoteInField', row: 1, at: 7 },
    {
      name: 'a carriage return alone behind a closing one',
      text: 'a,b\n1,"2"\r3\n',
      code: 'textAfterQuote',
      row: 1,
      at: 9,
    },
    { name: 'a quotation mark never closed', text: 'a,b\n1,2\n3,"4\n5,6\n', code: 'unclosedQuote', row: 2, at: 10 },
    { name: 'a quotation mark opened at the very end', text: 'a,b\n1,2\n3,"', code: 'unclosedQuote', row: 2, at: 10 },
  ])('$name is a fault of the file, with row and offset, however the bytes are cut', ({ text, code, row, at }) => {
    for (let chunkBytes = 1; chunkBytes <= text.length; chunkBytes += 1) {
      const { indexed, rows } = readSource(text, comma, { chunkBytes });
      const place = { code: `source.${code}`, row, byteOffset: at };
      expect(indexed.faults).toMatchObject([place]);
      // The reader sees the same thing in the same place.
      expect(faultsOf(rows)).toMatchObject([place]);
      expect(rows).toHaveLength(indexed.rowCount);
    }
  });

  it('is told once for each record and 20 times at most', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `${index}" "",x"y`);
    const { indexed } = readSource(`a,b\n${lines.join('\n')}\n`, comma);
    expect(indexed.rowCount).toBe(30);
    expect(indexed.faults.map(({ row }) => row)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});

describe('CSV with a bad record', () => {
  it.each([
    { name: 'a short last record', text: 'a,b\n1,2\n3\n', code: 'ragged', row: 2, at: 8 },
    { name: 'a short record in the middle', text: 'a,b\n1\n2,3\n', code: 'ragged', row: 1, at: 4 },
    { name: 'a long record', text: 'a,b\n1,2\n3,4,5\n6,7\n', code: 'ragged', row: 2, at: 8 },
    { name: 'a lone carriage return', text: 'a,b\r\n1,2\r\n3\r4,5\r\n', code: 'loneReturn', row: 2, at: 11 },
    { name: 'a carriage return at the very end', text: 'a,b\n1,2\r', code: 'loneReturn', row: 1, at: 7 },
  ])('$name concerns that record alone', ({ text, code, row, at }) => {
    const { indexed, rows } = readSource(text, comma);
    expect(indexed.faults).toEqual([]);
    expect(faultsOf(rows)).toMatchObject([{ code: `source.${code}`, row, byteOffset: at }]);
    expect(rows.map((each) => each.row)).toEqual(Array.from({ length: indexed.rowCount }, (_, index) => index + 1));
  });

  it('says how many cells are there and how many belong', () => {
    const { rows } = readSource('a,b\n1,2,3\n', comma);
    expect(faultsOf(rows)[0]?.message).toBe('The row has 3 cells where the header has 2.');
  });

  it.each([
    { name: 'a byte of Windows-1252', bad: [0xe4, 0x62], within: 0 },
    { name: 'a character cut short', bad: [0x61, 0xe6, 0x9d], within: 1 },
    { name: 'a cut character that begins like the replacement character', bad: [0xef, 0xbf], within: 0 },
    { name: 'half a surrogate pair', bad: [0xed, 0xa0, 0x80], within: 0 },
    { name: 'an overlong form', bad: [0xc0, 0xaf], within: 0 },
  ])('names the offset of bytes that are not UTF-8: $name', ({ bad, within }) => {
    const source = Buffer.concat([Buffer.from('a,b\n東,\ufffd\n1,'), Buffer.from(bad), Buffer.from('\n2,3\n')]);
    const { indexed, rows } = readSource(source, comma);
    expect(indexed.faults).toEqual([]);
    const byteOffset = Buffer.byteLength('a,b\n東,\ufffd\n1,') + within;
    expect(faultsOf(rows)).toMatchObject([{ code: 'source.encoding', row: 2, byteOffset }]);
    expect(rows[2]).toMatchObject({ row: 3, cells: ['2', '3'] });
  });

  it('refuses a field over 1 MiB and reads one of exactly that', () => {
    const field = 'x'.repeat(1024 * 1024);
    const { rows, indexed } = readSource(`a,b\n1,${field}\n2,"${field}y"\n3,4\n`, comma);
    expect(indexed.faults).toEqual([]);
    expect(rows.map((row) => ('fault' in row ? row.fault.code : 'read'))).toEqual([
      'read',
      'source.fieldTooLong',
      'read',
    ]);
  });

  it('refuses a record over 4 MiB as a fault of the file', () => {
    const fields = Array.from({ length: 5 }, () => 'x'.repeat(1024 * 1024 - 100));
    const { indexed } = readSource(`a,b,c,d,e\n1,2,3,4,5\n${fields.join()}\n`, comma, { chunkBytes: 65_536 });
    expect(indexed.faults).toMatchObject([{ code: 'source.recordTooLong', row: 2, byteOffset: 20 }]);
  });
});

describe('CSV that is fine', () => {
  it.each([
    {
      name: 'no line end at the end',
      text: 'a,b\n1,2\n3,4',
      cells: [
        ['1', '2'],
        ['3', '4'],
      ],
    },
    {
      name: 'CR LF',
      text: 'a,b\r\n1,2\r\n"3","4"\r\n',
      cells: [
        ['1', '2'],
        ['3', '4'],
      ],
    },
    {
      name: 'mixed line ends',
      text: 'a,b\r\n1,2\n3,4\r\n',
      cells: [
        ['1', '2'],
        ['3', '4'],
      ],
    },
    {
      name: 'blank lines',
      text: 'a,b\n\n1,2\n\r\n\n3,4\n\n\r\n',
      cells: [
        ['1', '2'],
        ['3', '4'],
      ],
    },
    {
      name: 'empty cells',
      text: 'a,b\n,\n"",""\n',
      cells: [
        [null, null],
        ['', ''],
      ],
    },
    {
      name: 'an empty last cell before CR LF',
      text: 'a,b\r\n1,\r\n2,',
      cells: [
        ['1', null],
        ['2', null],
      ],
    },
    { name: 'a single column', text: 'a\n1\n""\n2\n', cells: [['1'], [''], ['2']] },
    {
      name: 'quotation marks',
      text: 'a,b\n"""","x""y"\n"""""",""""""""\n',
      cells: [
        ['"', 'x"y'],
        ['""', '"""'],
      ],
    },
    { name: 'line ends in fields', text: 'a,b\n"1\n2","3\r\n\r4"\n', cells: [['1\n2', '3\r\n\r4']] },
    { name: 'delimiters in fields', text: 'a,b\n",",";,"\n', cells: [[',', ';,']] },
    { name: 'spaces, which belong to the field', text: 'a,b\n 1 , 2\n', cells: [[' 1 ', ' 2']] },
    { name: 'characters of all lengths', text: 'a,b\né東,"😀\u00a0"\n', cells: [['é東', '😀\u00a0']] },
    { name: 'a byte order mark inside', text: '\ufeffa,b\n\ufeff1,2\n', cells: [['\ufeff1', '2']] },
    { name: 'no records', text: 'a,b\n', cells: [] },
    { name: 'no records but blank lines', text: 'a,b\n\n\r\n', cells: [] },
  ])('is read with $name, however the bytes are cut', ({ text, cells }) => {
    const bytes = Buffer.from(text);
    for (let chunkBytes = 1; chunkBytes <= bytes.length; chunkBytes += 1) {
      const { indexed, rows } = readSource(bytes, comma, { chunkBytes, entryRows: 1, sliceRows: 1 });
      expect(indexed.faults).toEqual([]);
      expect(indexed.rowCount).toBe(cells.length);
      expect(rows.map((row) => cellsOf(row).map(shown))).toEqual(cells);
    }
  });

  it('tells where each record stands, without its line end', () => {
    const text = 'a,b\r\n1,2\r\n\r\n"3\n",4\n5,6';
    const { rows } = readSource(text, comma);
    expect(rows.map(({ from, to }) => text.slice(from, to))).toEqual(['1,2', '"3\n",4', '5,6']);
  });
});
