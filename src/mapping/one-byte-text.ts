/*
 * One-byte text: each character stands for one byte of UTF-8 (see encoded-row.ts). What only looks for ASCII works on it as it is;
 * what counts, compares or shows characters must decode first.
 */

const beyondAscii = /[^\0-\x7f]/;
// eslint-disable-next-line no-control-regex -- JSON wants exactly these escaped
const needsEscape = /["\\\0-\x1f]/;

export function decodeText(oneByte: string): string {
  return beyondAscii.test(oneByte) ? Buffer.from(oneByte, 'latin1').toString('utf8') : oneByte;
}

export function encodeText(text: string): string {
  return beyondAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** A JSON string of one-byte text, in one-byte text. JSON.stringify escapes ASCII only, so the other bytes pass. */
export function jsonString(oneByte: string): string {
  return needsEscape.test(oneByte) ? JSON.stringify(oneByte) : `"${oneByte}"`;
}
