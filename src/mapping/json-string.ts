// eslint-disable-next-line no-control-regex -- JSON wants exactly these escaped
const needsEscape = /["\\\0-\x1f]/;

/** A JSON string of one-byte text, in one-byte text. JSON.stringify escapes ASCII only, so the other bytes pass. */
export function jsonString(oneByte: string): string {
  return needsEscape.test(oneByte) ? JSON.stringify(oneByte) : `"${oneByte}"`;
}
