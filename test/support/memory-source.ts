import type { BlobSource } from '../../src/source/blob-source.ts';
import type { SourcePin } from '../../src/source/source.ts';

/** A source of these bytes, streamed in chunks of a size. */
export function memorySource(bytes: Buffer, chunkBytes = 64 * 1024): { source: BlobSource; pin: SourcePin } {
  const pin: SourcePin = { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: bytes.length };
  return {
    pin,
    source: {
      pin: async () => pin,
      read: async (_pin, from, to) => bytes.subarray(from, to),
      stream: async () => chunks(bytes, chunkBytes),
    },
  };
}

async function* chunks(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
}
