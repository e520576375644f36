import { isUtf8 } from 'node:buffer';

/** Decodes one-byte text (each character one byte of UTF-8). */
export function decodeText(oneByte: string): string {
  return isAscii(oneByte) ? oneByte : Buffer.from(oneByte, 'latin1').toString('utf8');
}

/** The UTF-8 bytes of a text, one character for each byte. */
export function encodeText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

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
