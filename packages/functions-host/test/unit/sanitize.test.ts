import { expect, test } from 'vitest';
import { sanitize } from '../../src/worker/sanitize.ts';

test.each([
  ['nothing to hide', 'nothing to hide'],
  ['pwd=abc def', '[Hidden Credential]'],
  ['a Server=x;Password=y" b', 'a [Hidden Credential]" b'],
  ["'AccountKey=abc' and 'pwd=def'", "'[Hidden Credential]' and '[Hidden Credential]'"],
  ['https://host/path?code=secret<br>', 'https://host/path[Hidden Credential]<br>'],
  ['PublicKeyToken=b77a5c', 'PublicKeyToken=b77a5c'],
  ['at amqp://me:secret@queue.example/x now', 'at [Hidden Credential] now'],
])('%s', (message, sanitized) => {
  expect(sanitize(message)).toBe(sanitized);
});
