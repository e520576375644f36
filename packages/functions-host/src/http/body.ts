import type { IncomingMessage } from 'node:http';

/** Bodies above this are refused, as the Functions host does (setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, in bytes). */
export const defaultBodyLimitBytes = 104_857_600;

/** The body is larger than the limit. */
export class BodyTooLargeError extends Error {
  readonly kind = 'bodyTooLarge';
}

/** Reads a request's body. Throws BodyTooLargeError; rejects if the client goes away. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw new BodyTooLargeError(`The request body is larger than ${limitBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}
