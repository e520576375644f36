import { isUtf8 } from 'node:buffer';

/** Offset of the first byte that is not UTF-8; undefined when all are. */
export function findInvalidUtf8(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  // Decoding puts U+FFFD where the bytes are wrong, so the way back differs first in the wrong place.
  const copy = Buffer.from(bytes.toString('utf8'), 'utf8');
  let at = 0;
  while (copy[at] === bytes[at]) at += 1;
  // The wrong bytes may begin like U+FFFD itself (EF BF BD): go back to where the character starts.
  while (at > 0 && isContinuation(copy[at])) at -= 1;
  return at;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
