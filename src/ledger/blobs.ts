import { text as textOf } from 'node:stream/consumers';
import {
  RestError,
  type BlobRequestConditions,
  type BlobUploadCommonResponse,
  type ContainerClient,
} from '@azure/storage-blob';

/** Blobs are written whole and, where it matters who was first, only if they do not exist yet. */
export interface Written {
  /** False: somebody else wrote this blob before; ours was not stored. */
  readonly first: boolean;
}

/** Content types of what is stored. */
export const json = { contentType: 'application/json' } as const;
export const nothing = { contentType: 'text/plain' } as const;
export const bytes = { contentType: 'application/octet-stream' } as const;

export interface BlobText {
  readonly contentType: string;
  readonly metadata?: Record<string, string>;
}

export async function putOnce(
  container: ContainerClient,
  name: string,
  body: string | Buffer,
  text: BlobText,
): Promise<Written> {
  return putAgainst(container, name, body, { ...text, seen: undefined });
}

/** Writes only if the blob is as it was seen: not there, or with this ETag. */
export async function putAgainst(
  container: ContainerClient,
  name: string,
  body: string | Buffer,
  { seen, ...text }: BlobText & { readonly seen: string | undefined },
): Promise<Written> {
  const conditions = seen === undefined ? { ifNoneMatch: '*' } : { ifMatch: seen };
  try {
    await upload(container, name, body, { ...text, conditions });
    return { first: true };
  } catch (error) {
    // Both answers mean that the blob is another: 409 BlobAlreadyExists, 412 ConditionNotMet.
    if (error instanceof RestError && (error.statusCode === 409 || error.statusCode === 412)) return { first: false };
    throw error;
  }
}

export async function put(
  container: ContainerClient,
  name: string,
  body: string | Buffer,
  text: BlobText,
): Promise<void> {
  await upload(container, name, body, text);
}

async function upload(
  container: ContainerClient,
  name: string,
  body: string | Buffer,
  { contentType, metadata, conditions }: BlobText & { readonly conditions?: BlobRequestConditions },
): Promise<BlobUploadCommonResponse> {
  const content = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  return container.getBlockBlobClient(name).upload(content, content.length, {
    blobHTTPHeaders: { blobContentType: contentType },
    ...(metadata === undefined ? {} : { metadata }),
    ...(conditions === undefined ? {} : { conditions }),
  });
}

/** The bytes of a blob, or undefined when there is none. */
export async function read(container: ContainerClient, name: string): Promise<Buffer | undefined> {
  return ifFound(async () => container.getBlobClient(name).downloadToBuffer());
}

export async function readJson<T>(container: ContainerClient, name: string): Promise<T | undefined> {
  const content = await read(container, name);
  return content === undefined ? undefined : (JSON.parse(content.toString('utf8')) as T);
}

/** Contents with the ETag by which `putAgainst` knows whether they have changed since. */
export interface Seen<T> {
  readonly value: T;
  readonly etag: string;
}

export async function readSeen<T>(container: ContainerClient, name: string): Promise<Seen<T> | undefined> {
  const answer = await ifFound(async () => container.getBlobClient(name).download());
  if (answer?.readableStreamBody === undefined) return undefined;
  return { value: JSON.parse(await textOf(answer.readableStreamBody)) as T, etag: answer.etag ?? '' };
}

/** Undefined in place of "not found". */
export async function ifFound<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 404) return undefined;
    throw error;
  }
}
