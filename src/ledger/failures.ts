import { Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import type { FailureGroup } from '../plan/report.ts';
import { readPart, type ExceptionLine, type PartEntry } from './parts.ts';
import { paths } from './paths.ts';

/** A failures file may be long; it is written while it is read, in blocks of this size. */
const blockBytes = 1024 * 1024;
const mostGroups = 20;

/** Turns the failures of one part into text for people; the parts come in order. */
export interface FailureSheet {
  readonly header: string;
  readonly linesOf: (failures: readonly ExceptionLine[]) => Promise<string>;
}

/**
 * Writes `failures.jsonl` (everything, for programs) and `failures.csv` (the original columns, for people) from the parts that have
 * exceptions, and says which failures were most frequent.
 */
export async function writeFailures(
  container: ContainerClient,
  runId: string,
  parts: readonly PartEntry[],
  sheet: FailureSheet,
): Promise<readonly FailureGroup[]> {
  const groups = new Map<string, { message: string; count: number; firstRow: number }>();
  await upload(container, paths.failures(runId, 'jsonl'), 'application/jsonl', async function* () {
    for await (const failures of failuresOf(container, runId, parts)) {
      for (const line of failures) count(groups, line);
      yield failures.map((line) => `${JSON.stringify(line)}\n`).join('');
    }
  });
  await upload(container, paths.failures(runId, 'csv'), 'text/csv; charset=utf-8', async function* () {
    yield sheet.header;
    for await (const failures of failuresOf(container, runId, parts)) yield await sheet.linesOf(failures);
  });
  return [...groups]
    .map(([code, group]) => ({ code, ...group }))
    .toSorted((left, right) => right.count - left.count)
    .slice(0, mostGroups);
}

async function upload(
  container: ContainerClient,
  name: string,
  blobContentType: string,
  texts: () => AsyncGenerator<string>,
): Promise<void> {
  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const text of texts()) yield Buffer.from(text, 'utf8');
  }
  await container
    .getBlockBlobClient(name)
    .uploadStream(Readable.from(bytes()), blockBytes, 2, { blobHTTPHeaders: { blobContentType } });
}

async function* failuresOf(
  container: ContainerClient,
  runId: string,
  parts: readonly PartEntry[],
): AsyncGenerator<readonly ExceptionLine[]> {
  for (const part of parts) {
    if (part.exceptionCount === 0) continue;
    const failures = (await readPart(container, runId, part.firstRow)).exceptions.filter(isFailure);
    if (failures.length > 0) yield failures;
  }
}

const isFailure = ({ outcome, reason }: ExceptionLine): boolean =>
  outcome === 'rejected' || outcome === 'unknown' || reason === 'poison';

const textOf = ({ reason }: ExceptionLine): string =>
  reason === 'poison' ? 'Whatever sent the row was never heard of again; the row was not found done.' : '';

function count(groups: Map<string, { message: string; count: number; firstRow: number }>, line: ExceptionLine): void {
  const code = line.rejection?.code ?? line.reason ?? line.outcome;
  const group = groups.get(code);
  if (group === undefined)
    groups.set(code, { message: line.rejection?.message ?? textOf(line), count: 1, firstRow: line.row });
  else group.count += 1;
}
