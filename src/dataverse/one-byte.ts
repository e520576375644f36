/** What one-byte text says, in which each character stands for one byte of UTF-8. */
export function readOneByte(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
