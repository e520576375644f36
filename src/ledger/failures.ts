import { Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import type { FailureGroup } from '../plan/report.ts';
import { readExceptions, type ExceptionLine, type PartEntry } from './parts.ts';
import { paths } from './paths.ts';

/** A failures file may be long; it is written while it is read, in blocks of this size. */
const blockBytes = 1024 * 1024;
const mostGroups = 20;

/** Writes `failures.jsonl` from the parts that have exceptions and says which failures were most frequent. */
export async function writeFailures(
  container: ContainerClient,
  runId: string,
  parts: readonly PartEntry[],
): Promise<readonly FailureGroup[]> {
  const groups = new Map<string, { message: string; count: number; firstRow: number }>();
  const blob = container.getBlockBlobClient(paths.failures(runId));
  await blob.uploadStream(Readable.from(failureLines(container, runId, parts, groups)), blockBytes, 2, {
    blobHTTPHeaders: { blobContentType: 'application/jsonl' },
  });
  return [...groups]
    .map(([code, group]) => ({ code, ...group }))
    .toSorted((left, right) => right.count - left.count)
    .slice(0, mostGroups);
}

async function* failureLines(
  container: ContainerClient,
  runId: string,
  parts: readonly PartEntry[],
  groups: Map<string, { message: string; count: number; firstRow: number }>,
): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (part.exceptionCount === 0) continue;
    const failed = (await readExceptions(container, runId, part.firstRow)).filter(isFailure);
    for (const line of failed) count(groups, line);
    if (failed.length > 0) yield Buffer.from(failed.map((line) => `${JSON.stringify(line)}\n`).join(''), 'utf8');
  }
}

const isFailure = (line: ExceptionLine): boolean => line.outcome === 'rejected' || line.outcome === 'unknown';

function count(groups: Map<string, { message: string; count: number; firstRow: number }>, line: ExceptionLine): void {
  const code = line.rejection?.code ?? line.outcome;
  const group = groups.get(code);
  if (group === undefined) groups.set(code, { message: line.rejection?.message ?? '', count: 1, firstRow: line.row });
  else group.count += 1;
}
