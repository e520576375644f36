import { sum } from '../plan/sum.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { createIndexer } from '../source/indexer.ts';
import { faultDetail, type SourceFormat, type SourceHead, type SourcePin } from '../source/source.ts';
import { faultAt, type Faults } from './open-source.ts';

export interface RowCount {
  readonly count: number;
  /** Every row was counted; else `count` is reckoned, and lies between `least` and `most` nineteen times in twenty. */
  readonly exact: boolean;
  readonly least: number;
  readonly most: number;
}

/** So much of a source is read from its beginning, as a run reads it: a few seconds from storage, less than one of computing. */
const countedBytes = 128 * 1024 * 1024;
/** Of what lies behind, so many pieces are looked at, evenly spread: files grow, and are sorted. */
const pieces = 24;
const pieceBytes = 128 * 1024;
/** Students t of 23 degrees of freedom for 95 in 100. */
const deviations = 2.07;
const lineFeed = 10;

/**
 * How many rows a source has: counted in one of up to 128 MiB, reckoned in a larger one. What is counted is judged as a run judges it: a source whose
 * structure is doubtful is refused.
 */
export function createCountRows(
  source: BlobSource,
  limits = { countedBytes },
): (pin: SourcePin, format: SourceFormat, head: SourceHead) => Promise<RowCount | Faults> {
  return async (pin, format, head) => {
    try {
      const counted = await countFirst(source, pin, { format, head, bytes: limits.countedBytes });
      if ('faults' in counted) return counted;
      const { count } = counted;
      if (counted.bytes >= pin.bytes) return { count, exact: true, least: count, most: count };
      return await reckon(source, pin, counted);
    } catch (error) {
      if (error instanceof SourceChangedError) return faultAt('/source/blob', error.message);
      throw error;
    }
  };
}

interface Counted {
  readonly count: number;
  readonly bytes: number;
  readonly lineFeeds: number;
}

async function countFirst(
  source: BlobSource,
  pin: SourcePin,
  what: { readonly format: SourceFormat; readonly head: SourceHead; readonly bytes: number },
): Promise<Counted | Faults> {
  const indexer = createIndexer(what.format, what.head);
  let bytes = 0;
  let lineFeeds = 0;
  for await (const chunk of await source.stream(pin)) {
    indexer.push(chunk);
    bytes += chunk.length;
    if (pin.bytes > what.bytes) lineFeeds += countLineFeeds(chunk);
    if (bytes >= what.bytes) break;
  }
  const { rowCount, faults } = indexer.finish({ sliceRows: (rows) => rows });
  // Where reading was broken off, the last record is not whole.
  const real = bytes >= pin.bytes ? faults : faults.filter(({ row }) => row !== rowCount);
  if (real.length > 0)
    return { faults: real.map((fault) => ({ pointer: '/source/blob', detail: faultDetail(fault) })) };
  return { count: rowCount, bytes, lineFeeds };
}

/** Rows behind what was counted are as many as there are line feeds, in the proportion found before. */
async function reckon(source: BlobSource, pin: SourcePin, counted: Counted): Promise<RowCount> {
  const restBytes = pin.bytes - counted.bytes;
  const length = Math.min(pieceBytes, restBytes);
  const starts = Array.from({ length: pieces }, (_, at) =>
    Math.floor(counted.bytes + ((restBytes - length) * at) / (pieces - 1)),
  );
  const samples = await Promise.all(starts.map(async (from) => source.read(pin, from, from + length)));
  const densities = samples.map((sample) => countLineFeeds(sample) / length);
  const mean = sum(densities, (density) => density) / pieces;
  const variance = sum(densities, (density) => (density - mean) ** 2) / (pieces - 1);
  const rowsPerByte = (density: number): number => (density * counted.count) / Math.max(1, counted.lineFeeds);
  const doubt = deviations * Math.sqrt(variance / pieces);
  const rowsAt = (density: number): number => counted.count + Math.round(restBytes * rowsPerByte(Math.max(0, density)));
  return { count: rowsAt(mean), exact: false, least: rowsAt(mean - doubt), most: rowsAt(mean + doubt) };
}

function countLineFeeds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}
