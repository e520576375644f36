import { crc32 } from 'node:zlib';
import type { Slice } from './source.ts';

/**
 * The slices of a source. They tile its rows and bytes: the first begins with row 1 at the first record, each begins where the one
 * before ends, the last ends where the source ends. A source without records has none.
 */
export interface SliceIndex {
  readonly rowCount: number;
  readonly sliceCount: number;
  /** Throws RangeError unless 0 <= position < sliceCount. */
  slice(position: number): Slice;
}

/** Where a slice begins; the last boundary of an index is where the last slice ends. */
export interface Boundary {
  readonly firstRow: number;
  readonly from: number;
}

/** Boundaries in order, one more than slices; a single one for a source without records. */
export function createSliceIndex(boundaries: readonly Boundary[]): SliceIndex {
  return indexOver(boundaries.length, (position) => {
    const boundary = boundaries[position];
    if (boundary === undefined) throw new RangeError(`There is no boundary ${position}.`);
    return boundary;
  });
}

function indexOver(boundaryCount: number, boundary: (position: number) => Boundary): SliceIndex {
  const sliceCount = boundaryCount - 1;
  return {
    sliceCount,
    rowCount: boundary(sliceCount).firstRow - 1,
    slice(position) {
      if (!(position >= 0 && position < sliceCount)) {
        throw new RangeError(`There is no slice ${position}; the index has ${sliceCount}.`);
      }
      const start = boundary(position);
      const end = boundary(position + 1);
      return { firstRow: start.firstRow, rowCount: end.firstRow - start.firstRow, from: start.from, to: end.from };
    },
  };
}

/*
 * Stored form, little-endian: "FANX", u32 version, u32 boundary count, u32 CRC-32 of what follows; then for each boundary two doubles,
 * first row and byte offset (whole numbers up to 2^53 are exact).
 */
const magic = 'FANX';
const version = 1;
const headBytes = 16;
const entryBytes = 16;

/** Bytes to store; 16 for each slice and 32 more. */
export function encodeIndex(index: SliceIndex): Buffer {
  const boundaryCount = index.sliceCount + 1;
  const buffer = Buffer.alloc(headBytes + boundaryCount * entryBytes);
  for (let position = 0; position < boundaryCount; position += 1) {
    const { firstRow, from } = boundaryOf(index, position);
    const at = headBytes + position * entryBytes;
    buffer.writeDoubleLE(firstRow, at);
    buffer.writeDoubleLE(from, at + 8);
  }
  buffer.write(magic, 'latin1');
  buffer.writeUInt32LE(version, 4);
  buffer.writeUInt32LE(boundaryCount, 8);
  buffer.writeUInt32LE(crc32(buffer.subarray(headBytes)), 12);
  return buffer;
}

function boundaryOf(index: SliceIndex, position: number): Boundary {
  if (position < index.sliceCount) return index.slice(position);
  if (index.sliceCount === 0) return { firstRow: 1, from: 0 };
  return { firstRow: index.rowCount + 1, from: index.slice(index.sliceCount - 1).to };
}

/** Reads what `encodeIndex` wrote. Throws an Error that says what is wrong when the bytes are anything else. */
export function decodeIndex(buffer: Buffer): SliceIndex {
  const boundaryCount = checkHead(buffer);
  const boundary = (position: number) => {
    const at = headBytes + position * entryBytes;
    return { firstRow: buffer.readDoubleLE(at), from: buffer.readDoubleLE(at + 8) };
  };
  checkTiling(boundaryCount, boundary);
  return indexOver(boundaryCount, boundary);
}

function checkHead(buffer: Buffer): number {
  if (buffer.length < headBytes || buffer.toString('latin1', 0, 4) !== magic) throw damaged('it does not begin as one');
  const found = buffer.readUInt32LE(4);
  if (found !== version) throw damaged(`its version is ${found}, expected ${version}`);
  const boundaryCount = buffer.readUInt32LE(8);
  const expected = headBytes + boundaryCount * entryBytes;
  if (boundaryCount === 0 || buffer.length !== expected) {
    throw damaged(`it has ${buffer.length} bytes, expected ${expected} for ${boundaryCount} boundaries`);
  }
  if (crc32(buffer.subarray(headBytes)) !== buffer.readUInt32LE(12)) throw damaged('its checksum differs');
  return boundaryCount;
}

function checkTiling(boundaryCount: number, boundary: (position: number) => Boundary): void {
  let { firstRow, from } = boundary(0);
  if (firstRow !== 1 || !Number.isSafeInteger(from) || from < 0)
    throw damaged('its first slice does not begin at row 1');
  for (let position = 1; position < boundaryCount; position += 1) {
    const next = boundary(position);
    const advances = next.firstRow > firstRow && next.from > from;
    if (!advances || !Number.isSafeInteger(next.firstRow) || !Number.isSafeInteger(next.from)) {
      throw damaged(`its slices do not advance at boundary ${position}`);
    }
    ({ firstRow, from } = next);
  }
}

function damaged(detail: string): Error {
  return new Error(`Not a slice index: ${detail}.`);
}
