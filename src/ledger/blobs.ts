import { RestError, type BlobUploadCommonResponse, type ContainerClient } from '@azure/storage-blob';

/** Blobs are written whole and, where it matters who was first, only if they do not exist yet. */
export interface Written {
  /** False: somebody else wrote this blob before; ours was not stored. */
  readonly first: boolean;
}

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
  try {
    await upload(container, name, body, { ...text, onlyIfAbsent: true });
    return { first: true };
  } catch (error) {
    // Both answers mean that the blob is there: 409 BlobAlreadyExists, 412 ConditionNotMet.
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
  await upload(container, name, body, { ...text, onlyIfAbsent: false });
}

async function upload(
  container: ContainerClient,
  name: string,
  body: string | Buffer,
  { contentType, metadata, onlyIfAbsent }: BlobText & { readonly onlyIfAbsent: boolean },
): Promise<BlobUploadCommonResponse> {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  return container.getBlockBlobClient(name).upload(bytes, bytes.length, {
    blobHTTPHeaders: { blobContentType: contentType },
    ...(metadata === undefined ? {} : { metadata }),
    ...(onlyIfAbsent ? { conditions: { ifNoneMatch: '*' } } : {}),
  });
}

/** The bytes of a blob, or undefined when there is none. */
export async function read(container: ContainerClient, name: string): Promise<Buffer | undefined> {
  return ifFound(async () => container.getBlobClient(name).downloadToBuffer());
}

export async function readJson<T>(container: ContainerClient, name: string): Promise<T | undefined> {
  const bytes = await read(container, name);
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as T);
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
