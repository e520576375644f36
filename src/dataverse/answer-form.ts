import type { Answer } from './send.ts';

/** A `$batch` may answer with the status of the operation that stopped it. */
export function isReadable(answer: Answer): boolean {
  return isMultipart(answer) || (answer.status >= 200 && answer.status < 300);
}

/** Otherwise the end of the connection is the end of the body, and a cut one looks whole. */
export function isFramed(answer: Answer): boolean {
  return answer.header('content-length') !== undefined || answer.header('transfer-encoding') !== undefined;
}

export function isMultipart(answer: Answer): boolean {
  return answer.header('content-type')?.toLowerCase().startsWith('multipart/mixed') === true;
}
