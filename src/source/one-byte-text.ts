/*
 * One-byte text: each character stands for one byte of UTF-8. It keeps strings one byte wide and skips decoding and encoding. What only
 * looks for ASCII works on it as it is; what counts, compares or shows characters must decode first.
 */

const beyondAscii = /[^\0-\x7f]/;

export function decodeText(oneByte: string): string {
  return beyondAscii.test(oneByte) ? Buffer.from(oneByte, 'latin1').toString('utf8') : oneByte;
}

export function encodeText(text: string): string {
  return beyondAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
