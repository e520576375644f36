import { Readable } from 'node:stream';
import { RestError, type ContainerClient } from '@azure/storage-blob';
import type { SourceFormat, SourceHead, SourcePin } from '../source/source.ts';
import { put, putOnce, read, readJson } from './blobs.ts';
import { paths } from './paths.ts';

const blockBytes = 4 * 1024 * 1024;

/** Rows of an earlier run, copied into a file of their own. */
export interface SpoolHead {
  readonly format: SourceFormat;
  readonly head: SourceHead;
}

export interface Spool extends SpoolHead {
  readonly pin: SourcePin;
  readonly rowMap: Buffer;
}

export interface SpoolContent {
  readonly spool: SpoolHead;
  readonly rows: AsyncIterable<Buffer>;
  /** Asked for when the rows have been read. */
  readonly rowMap: () => Buffer;
}

/** The description comes last, so that a spool without one is written again; rows that are there already are the same and stay. */
export async function writeSpool(
  container: ContainerClient,
  runId: string,
  { spool, rows, rowMap }: SpoolContent,
): Promise<void> {
  const pin = await writeRows(container, paths.spooledRows(runId), rows);
  await put(container, paths.rowMap(runId), rowMap(), { contentType: 'application/octet-stream' });
  await putOnce(container, paths.spool(runId), JSON.stringify({ ...spool, pin }), { contentType: 'application/json' });
}

export async function readSpool(container: ContainerClient, runId: string): Promise<Spool | undefined> {
  const spool = await readJson<SpoolHead & { readonly pin: SourcePin }>(container, paths.spool(runId));
  if (spool === undefined) return undefined;
  const rowMap = await read(container, paths.rowMap(runId));
  if (rowMap === undefined) throw new Error(`The spooled rows of run ${runId} lack their row numbers.`);
  return { ...spool, rowMap };
}

async function writeRows(container: ContainerClient, name: string, rows: AsyncIterable<Buffer>): Promise<SourcePin> {
  const blob = container.getBlockBlobClient(name);
  try {
    await blob.uploadStream(Readable.from(rows), blockBytes, 2, { conditions: { ifNoneMatch: '*' } });
  } catch (error) {
    // Another copy of this step wrote it meanwhile, or an earlier life did.
    if (!(error instanceof RestError) || (error.statusCode !== 409 && error.statusCode !== 412)) throw error;
  }
  const { etag, contentLength } = await blob.getProperties();
  if (etag === undefined || contentLength === undefined)
    throw new Error(`Blob storage told no ETag or length of "${name}".`);
  return { container: container.containerName, blob: name, etag, bytes: contentLength };
}
