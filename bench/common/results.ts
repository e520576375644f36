import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OptionError } from '../../scripts/command-options.ts';
import { findMarks, putBetweenMarks } from './markdown.ts';

/** Where a bench puts what it found. */
export const resultOptions = {
  json: { kind: 'text', value: 'FILE', about: 'also writes what was measured, as JSON' },
  docs: { kind: 'text', value: 'FILE', about: 'also puts the tables into a document, between their marks' },
} as const;

/** Of benches that measure in rounds, minutes each. */
export const roundOptions = {
  ...resultOptions,
  add: { kind: 'text', value: 'FILE', about: 'adds rounds that were measured before, as --json wrote them' },
} as const;

export interface ResultPlaces {
  readonly json: string | undefined;
  readonly docs: string | undefined;
}

/** Finds out before anything is measured whether the results can be written. Throws `OptionError`. */
export async function checkPlaces({ json, docs }: ResultPlaces, mark: string): Promise<void> {
  if (json !== undefined) {
    await access(dirname(json), constants.W_OK).catch((error: unknown) => refuse('json', json, error));
  }
  if (docs !== undefined) await findMarks(docs, mark).catch((error: unknown) => refuse('docs', docs, error));
}

export async function writeResults(places: ResultPlaces, found: { mark: string; results: unknown; tables: string }) {
  const { mark, results, tables } = found;
  console.log(tables);
  if (places.json !== undefined) await writeFile(places.json, `${JSON.stringify(results, null, 1)}\n`);
  if (places.docs !== undefined) await putBetweenMarks(places.docs, mark, tables);
}

/** What `--json` wrote at another time; undefined without a file. Throws `OptionError`. */
export async function readEarlier<T>(
  file: string | undefined,
  isRounds: (json: unknown) => json is T,
): Promise<T | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((error: unknown) => refuse('add', file, error));
  const json = parse(text);
  if (isRounds(json)) return json;
  throw new OptionError(`--add ${file} is not what --json of this bench writes.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(option: string, file: string, error: unknown): never {
  throw new OptionError(`--${option} ${file}: ${error instanceof Error ? error.message : String(error)}`);
}
