import type { RunSpec } from '../plan/run-spec.ts';
import type { BlobSource } from '../source/blob-source.ts';
import { createIndexer } from '../source/indexer.ts';
import { faultDetail, type SourcePin } from '../source/source.ts';
import { faultAt, formatOf, openSource, type Faults } from './open-run.ts';

export interface RowCount {
  readonly count: number;
  /** False where it is reckoned from the first bytes. */
  readonly exact: boolean;
}

/** So much of a source is looked at; the rows of a larger one are reckoned from it. */
const sampleBytes = 8 * 1024 * 1024;

/** About how many rows a source has, without reading all of a large one. A small one whose structure is doubtful is refused. */
export function createCountRows(source: BlobSource): (spec: RunSpec, pin: SourcePin) => Promise<RowCount | Faults> {
  return async (spec, pin) => {
    const format = formatOf(spec);
    const head = await openSource(source, pin, format);
    if ('faults' in head) return head;
    const bytes = await source.read(pin, 0, Math.min(pin.bytes, sampleBytes));
    const indexer = createIndexer(format, head);
    indexer.push(bytes);
    const { rowCount, faults } = indexer.finish({ sliceRows: (rows) => rows });
    const exact = bytes.length === pin.bytes;
    if (!exact) return { count: Math.round((rowCount * pin.bytes) / bytes.length), exact };
    const [first] = faults;
    return first === undefined ? { count: rowCount, exact } : faultAt('/source/blob', faultDetail(first));
  };
}
