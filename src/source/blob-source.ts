import { RestError, type BlobServiceClient } from '@azure/storage-blob';
import type { SourcePin } from './source.ts';

/** Reads pinned sources from blob storage. Every read names the version, so a file that changes under a run is noticed. */
export interface BlobSource {
  /** The version a blob has now, or what is missing. */
  readonly pin: (container: string, blob: string) => Promise<SourcePin | { readonly missing: 'container' | 'blob' }>;
  /** Bytes `from` to `to` (exclusive) of that version. */
  readonly read: (pin: SourcePin, from: number, to: number) => Promise<Buffer>;
  /** All bytes of that version, in chunks. */
  readonly stream: (pin: SourcePin) => Promise<AsyncIterable<Buffer>>;
}

/** The blob is no longer the version that the run began with. */
export class SourceChangedError extends Error {
  readonly kind = 'sourceChanged';

  constructor(pin: SourcePin, cause: unknown) {
    super(
      `Blob "${pin.blob}" in container "${pin.container}" is no longer the version this run began with (ETag ${pin.etag}).`,
      { cause },
    );
    this.name = 'SourceChangedError';
  }
}

export function createBlobSource(service: BlobServiceClient): BlobSource {
  const blobOf = (pin: Pick<SourcePin, 'container' | 'blob'>) =>
    service.getContainerClient(pin.container).getBlobClient(pin.blob);
  return {
    async pin(container, blob) {
      try {
        const { etag, contentLength } = await blobOf({ container, blob }).getProperties();
        if (etag === undefined || contentLength === undefined)
          throw new Error(`Blob storage told no ETag or length of "${blob}".`);
        return { container, blob, etag, bytes: contentLength };
      } catch (error) {
        if (!(error instanceof RestError) || error.statusCode !== 404) throw error;
        return { missing: (await service.getContainerClient(container).exists()) ? 'blob' : 'container' };
      }
    },
    read: (pin, from, to) =>
      pinned(pin, async () =>
        to > from
          ? blobOf(pin).downloadToBuffer(from, to - from, { conditions: { ifMatch: pin.etag } })
          : Buffer.alloc(0),
      ),
    stream: (pin) =>
      pinned(pin, async () => {
        const { readableStreamBody } = await blobOf(pin).download(0, undefined, { conditions: { ifMatch: pin.etag } });
        if (readableStreamBody === undefined) throw new Error(`Blob storage sent no body for "${pin.blob}".`);
        return readableStreamBody as AsyncIterable<Buffer>;
      }),
  };
}

async function pinned<T>(pin: SourcePin, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const changed =
      error instanceof RestError && (error.statusCode === 412 || error.statusCode === 404 || error.statusCode === 416);
    throw changed ? new SourceChangedError(pin, error) : error;
  }
}
