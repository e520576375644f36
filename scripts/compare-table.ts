import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';

/** A column of the file and of the table, which carry the same name. */
export interface ComparedColumn {
  readonly logicalName: string;
  readonly type: string;
}

export interface Comparison {
  readonly fileRows: number;
  readonly tableRows: number;
  /** Rows of the file that the table lacks. */
  readonly missing: number;
  /** Rows of the table whose key the file lacks, or that repeat the key of another row. */
  readonly unexpected: number;
  /** Rows of both that differ in a value. */
  readonly different: number;
  /** The first few deviations, in words. */
  readonly examples: readonly string[];
}

export interface ComparisonInput {
  readonly file: string;
  /** Rows of the table, in any order; columns without a value may be absent. */
  readonly tableRows: AsyncIterable<Readonly<Record<string, unknown>>>;
  readonly columns: readonly ComparedColumn[];
  /** Column that identifies a row in both. */
  readonly key: string;
}

const maxExamples = 5;

/**
 * Compares a CSV file with a table, row by row by key and value by value. Reads the file with a parser of its own, so that a fault of
 * the app's reader shows.
 */
export async function compareTable({ file, tableRows, columns, key }: ComparisonInput): Promise<Comparison> {
  const expectedRows = await readFileRows(file, key);
  const found = new Set<string>();
  const count = { tableRows: 0, unexpected: 0, different: 0 };
  const examples: string[] = [];
  const note = (example: string) => examples.length < maxExamples && examples.push(example);

  for await (const row of tableRows) {
    count.tableRows += 1;
    const keyValue = textOf(row[key]);
    const expected = expectedRows.get(keyValue);
    if (expected === undefined || found.has(keyValue)) {
      count.unexpected += 1;
      note(`${key} ${keyValue} is in the table ${expected === undefined ? 'but not in the file' : 'more than once'}`);
      continue;
    }
    found.add(keyValue);
    const deviation = firstDeviation(expected, row, columns);
    if (deviation !== undefined) {
      count.different += 1;
      note(`${key} ${keyValue}: ${deviation}`);
    }
  }
  for (const keyValue of expectedRows.keys()) {
    if (examples.length >= maxExamples) break;
    if (!found.has(keyValue)) note(`${key} ${keyValue} is in the file but not in the table`);
  }
  return { ...count, fileRows: expectedRows.size, missing: expectedRows.size - found.size, examples };
}

export function isSame({ missing, unexpected, different }: Comparison): boolean {
  return missing + unexpected + different === 0;
}

type FileRow = Readonly<Record<string, string>>;

async function readFileRows(file: string, key: string): Promise<Map<string, FileRow>> {
  const rows = new Map<string, FileRow>();
  const parser = createReadStream(file).pipe(parse({ columns: true, bom: true }));
  for await (const row of parser as AsyncIterable<FileRow>) {
    const keyValue = row[key];
    if (keyValue === undefined) throw new Error(`${file} has no column ${key}`);
    if (rows.has(keyValue)) throw new Error(`${file} has ${key} ${keyValue} twice`);
    rows.set(keyValue, row);
  }
  return rows;
}

function firstDeviation(
  expected: FileRow,
  actual: Readonly<Record<string, unknown>>,
  columns: readonly ComparedColumn[],
): string | undefined {
  for (const { logicalName, type } of columns) {
    const wanted = typedValue(expected[logicalName] ?? '', type);
    const found = actual[logicalName] ?? null;
    if (found !== wanted) return `${logicalName} is ${JSON.stringify(found)}, the file says ${JSON.stringify(wanted)}`;
  }
  return undefined;
}

const numericTypes: ReadonlySet<string> = new Set(['Integer', 'BigInt', 'Decimal', 'Double', 'Money']);

function typedValue(text: string, type: string): string | number | null {
  if (text === '') return null;
  return numericTypes.has(type) ? Number(text) : text;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value ?? null);
}
