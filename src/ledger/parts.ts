import type { ContainerClient } from '@azure/storage-blob';
import { outcomeKinds, type OutcomeCounts, type OutcomeKind, type RowOutcome } from '../plan/outcome.ts';
import type { PartTally } from '../plan/report.ts';
import { ifFound, putOnce, readJson } from './blobs.ts';
import { firstRowOf, paths } from './paths.ts';

/**
 * The outcomes of consecutive rows, committed once under the name of the first row. Rows that ended as the operation intends are only
 * counted; every other one has a line of its own.
 */
export interface Part extends PartTally {
  /** What the part speaks of: the bytes of the source from its first record to the end of its last, and their digest. */
  readonly bytes: PartBytes;
  readonly exceptions: readonly ExceptionLine[];
}

export interface PartBytes {
  readonly from: number;
  /** End exclusive. */
  readonly to: number;
  /** In hex. */
  readonly sha256: string;
}

/** A row worth a line: rejected, unknown, not attempted, or learned by a verifying read. */
export interface ExceptionLine extends RowOutcome {
  /** Byte range of the record in the source, end exclusive. */
  readonly from: number;
  readonly to: number;
  /** Redrive and undo: number of the row in the source of the lineage's first run. */
  readonly sourceRow?: number;
  /** The row's key as text; absent when the row could not be read or its key not be built. */
  readonly key?: string;
}

/** What a listing tells of a part, without reading it. */
export interface PartEntry extends PartTally {
  readonly exceptionCount: number;
}

export interface CommitResult {
  /** True: our part is the one that counts. False: another copy of this lane was first, and `part` is what it wrote. */
  readonly first: boolean;
  readonly part: PartTally;
}

/** The outcomes of a run's rows. */
export interface Parts {
  readonly commitPart: (runId: string, part: Part) => Promise<CommitResult>;
  readonly findPart: (runId: string, firstRow: number) => Promise<PartTally | undefined>;
  readonly listParts: (runId: string) => AsyncIterable<PartEntry>;
  readonly readPart: (runId: string, firstRow: number) => Promise<Part>;
}

export const createParts = (container: ContainerClient): Parts => ({
  commitPart: (runId, part) => commitPart(container, runId, part),
  findPart: (runId, firstRow) => findPart(container, runId, firstRow),
  listParts: (runId) => listParts(container, runId),
  readPart: (runId, firstRow) => readPart(container, runId, firstRow),
});

/** Writes a part unless one with this first row exists; then the existing one is the truth and is returned. */
async function commitPart(container: ContainerClient, runId: string, part: Part): Promise<CommitResult> {
  const name = paths.part(runId, part.firstRow);
  const body = JSON.stringify({ version: 1, ...part });
  const { first } = await putOnce(container, name, body, {
    contentType: 'application/json',
    metadata: metadataOf(part),
  });
  if (first) return { first, part };
  const winner = await findPart(container, runId, part.firstRow);
  if (winner === undefined) throw new Error(`Part ${name} exists and cannot be read.`);
  return { first, part: winner };
}

/** The committed part that begins with this row. */
async function findPart(container: ContainerClient, runId: string, firstRow: number): Promise<PartEntry | undefined> {
  const properties = await ifFound(async () => container.getBlobClient(paths.part(runId, firstRow)).getProperties());
  return properties === undefined ? undefined : entryOf(firstRow, properties.metadata ?? {});
}

/** All parts of a run in order of their first row. */
async function* listParts(container: ContainerClient, runId: string): AsyncGenerator<PartEntry> {
  for await (const blob of container.listBlobsFlat({ prefix: paths.parts(runId), includeMetadata: true })) {
    yield entryOf(firstRowOf(blob.name), blob.metadata ?? {});
  }
}

export async function readPart(container: ContainerClient, runId: string, firstRow: number): Promise<Part> {
  const part = await readJson<Part>(container, paths.part(runId, firstRow));
  if (part === undefined) throw new Error(`Part ${paths.part(runId, firstRow)} was listed and is gone.`);
  return part;
}

function metadataOf(part: Part): Record<string, string> {
  return {
    rows: String(part.rowCount),
    counts: Object.entries(part.counts)
      .map(([kind, count]) => `${kind}=${count}`)
      .join(';'),
    recovered: String(part.recovered),
    superseded: String(part.superseded ?? 0),
    exceptions: String(part.exceptions.length),
  };
}

function entryOf(firstRow: number, metadata: Readonly<Record<string, string>>): PartEntry {
  const rowCount = Number(metadata['rows']);
  if (!Number.isSafeInteger(rowCount) || rowCount < 1) {
    throw new Error(
      `The part of row ${firstRow} says it has ${metadata['rows'] ?? 'no'} rows; it was not written by this ledger.`,
    );
  }
  return {
    firstRow,
    rowCount,
    counts: readCounts(metadata['counts'] ?? ''),
    recovered: Number(metadata['recovered'] ?? 0),
    superseded: Number(metadata['superseded'] ?? 0),
    exceptionCount: Number(metadata['exceptions'] ?? 0),
  };
}

const knownKinds: ReadonlySet<string> = new Set(outcomeKinds);

function readCounts(text: string): OutcomeCounts {
  const counts: Partial<Record<OutcomeKind, number>> = {};
  for (const pair of text.split(';')) {
    const [kind = '', count = ''] = pair.split('=');
    if (knownKinds.has(kind)) counts[kind as OutcomeKind] = Number(count);
  }
  return counts;
}
