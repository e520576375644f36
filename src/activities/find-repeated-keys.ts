import { hash } from 'node:crypto';
import { keyIdentity } from '../dataverse/key-text.ts';
import type { MappingPlan } from '../mapping/mapping-plan.ts';
import { createKeyEncoder } from '../mapping/row-encoder.ts';
import type { RunOptions } from '../plan/run-spec.ts';
import type { RepeatedRow } from './repeated-keys.ts';
import { readRecords, type RecordSource } from './source-records.ts';

/** Rows whose keys are held in memory at once, some 40 bytes each; a longer file is read once more for each further share. */
export const rowsInOnePass = 4_000_000;
const mostPasses = 8;
/** Files with keys of their own may have so many rows. */
export const mostRowsWithKeys = rowsInOnePass * mostPasses;

/**
 * Finds the rows that are not sent because the file has their key more than once: all but the last of each key, or all of them where the
 * spec says `reject`. Keys are equal when the service may take them for equal. A row whose key cannot be built takes no part.
 */
export async function findRepeatedKeys(
  source: RecordSource,
  mapping: MappingPlan,
  duplicates: RunOptions['duplicates'],
  rowsInPass = rowsInOnePass,
): Promise<readonly RepeatedRow[]> {
  if (mapping.key.kind === 'made') return [];
  const passes = Math.ceil(source.index.rowCount / rowsInPass);
  const repeated: RepeatedRow[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    const keys = new KeyTable(Math.ceil(source.index.rowCount / passes));
    const encodeKey = createKeyEncoder(mapping.key);
    for await (const { row } of readRecords(source)) {
      const key = 'cells' in row ? encodeKey(row) : undefined;
      if (key === undefined || 'class' in key) continue;
      const digest = hash('sha256', keyIdentity(key), 'buffer');
      if (digest.readUInt32LE(28) % passes === pass) keys.add(digest, row.row);
    }
    // One by one: a call takes no hundred thousand arguments.
    for (const row of keys.repeated(duplicates)) repeated.push(row);
  }
  return repeated.toSorted((left, right) => left.row - right.row);
}

const digestBytes = 16;

/** Open addressing over typed arrays: a Map of strings would cost several times the memory. */
class KeyTable {
  #digests: Buffer;
  #lastRows: Float64Array;
  #slots: Uint32Array;
  #count = 0;
  readonly #earlier: { readonly row: number; readonly entry: number }[] = [];

  constructor(expectedRows: number) {
    const capacity = Math.max(16, expectedRows);
    this.#digests = Buffer.alloc(capacity * digestBytes);
    this.#lastRows = new Float64Array(capacity);
    this.#slots = new Uint32Array(slotsFor(capacity));
  }

  add(digest: Buffer, row: number): void {
    const slot = this.#find(digest);
    const entry = (this.#slots[slot] ?? 0) - 1;
    if (entry >= 0) {
      this.#earlier.push({ row: this.#lastRows[entry] ?? 0, entry });
      this.#lastRows[entry] = row;
      return;
    }
    if (this.#count === this.#lastRows.length) {
      this.#grow();
      this.add(digest, row);
      return;
    }
    digest.copy(this.#digests, this.#count * digestBytes, 0, digestBytes);
    this.#lastRows[this.#count] = row;
    this.#count += 1;
    this.#slots[slot] = this.#count;
  }

  repeated(duplicates: RunOptions['duplicates']): RepeatedRow[] {
    const lastRowOf = (entry: number): number => this.#lastRows[entry] ?? 0;
    const earlier = this.#earlier.map(({ row, entry }) => ({ row, lastRow: lastRowOf(entry) }));
    if (duplicates === 'lastWins') return earlier;
    const lasts = [...new Set(this.#earlier.map(({ entry }) => entry))].map(lastRowOf);
    return [...earlier, ...lasts.map((row) => ({ row, lastRow: row }))];
  }

  /** The slot of this digest, or the empty one where it belongs. */
  #find(digest: Buffer): number {
    const mask = this.#slots.length - 1;
    for (let slot = digest.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return slot;
      const at = entry * digestBytes;
      if (digest.compare(this.#digests, at, at + digestBytes, 0, digestBytes) === 0) return slot;
    }
  }

  /** Shares are even only on average. */
  #grow(): void {
    const capacity = this.#lastRows.length * 2;
    const digests = Buffer.alloc(capacity * digestBytes);
    this.#digests.copy(digests);
    const lastRows = new Float64Array(capacity);
    lastRows.set(this.#lastRows);
    this.#digests = digests;
    this.#lastRows = lastRows;
    this.#slots = new Uint32Array(slotsFor(capacity));
    for (let entry = 0; entry < this.#count; entry += 1) {
      const slot = this.#find(digests.subarray(entry * digestBytes, (entry + 1) * digestBytes));
      this.#slots[slot] = entry + 1;
    }
  }
}

/** A power of two, at least half of it empty. */
const slotsFor = (capacity: number): number => 2 ** Math.ceil(Math.log2(capacity * 2));
