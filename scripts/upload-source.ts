import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { BlobServiceClient, RestError, type BlockBlobClient } from '@azure/storage-blob';

export interface UploadOptions {
  readonly connectionString: string;
  readonly container: string;
  readonly blob: string;
  readonly file: string;
}

/** Uploads a file, making the container; leaves a blob alone that holds the same content already. Answers whether it uploaded. */
export async function uploadSource({ connectionString, container, blob, file }: UploadOptions): Promise<boolean> {
  const containerClient = BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container);
  await containerClient.createIfNotExists();
  const target = containerClient.getBlockBlobClient(blob);
  const sha256 = await digestOf(file);
  if ((await knownDigest(target)) === sha256) return false;
  await target.uploadFile(file, {
    metadata: { sha256 },
    blobHTTPHeaders: { blobContentType: 'text/csv; charset=utf-8' },
  });
  return true;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function knownDigest(target: BlockBlobClient): Promise<string | undefined> {
  try {
    return (await target.getProperties()).metadata?.['sha256'];
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 404) return undefined;
    throw error;
  }
}
