import type { Fault } from '../plan/fault.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { readHead } from '../source/head.ts';
import { faultDetail, type SourceFormat, type SourceHead, type SourcePin } from '../source/source.ts';

export interface Faults {
  readonly faults: readonly Fault[];
}

export const faultAt = (pointer: string, detail: string): Faults => ({ faults: [{ pointer, detail }] });

export function formatOf({ source }: RunSpec): SourceFormat {
  return source.format === 'csv' ? { kind: 'csv', delimiter: source.delimiter } : { kind: 'jsonl' };
}

/** The head is usually in the first bytes; a longer one is read again in larger pieces. */
const firstReadBytes = 64 * 1024;

/** The head of a source, or why it cannot be read. */
export async function openSource(
  source: BlobSource,
  pin: SourcePin,
  format: SourceFormat,
): Promise<SourceHead | Faults> {
  try {
    for (let bytes = Math.min(firstReadBytes, pin.bytes); ; bytes = Math.min(bytes * 4, pin.bytes)) {
      const reading = readHead(await source.read(pin, 0, bytes), format, { complete: bytes === pin.bytes });
      if ('head' in reading) return reading.head;
      if ('fault' in reading) return faultAt('/source/blob', faultDetail(reading.fault));
      if (bytes === pin.bytes)
        throw new Error(`The head of "${pin.blob}" could not be read from all of its ${bytes} bytes.`);
    }
  } catch (error) {
    if (error instanceof SourceChangedError) return faultAt('/source/blob', error.message);
    throw error;
  }
}
