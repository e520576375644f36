import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const chunkBytes = 1024 * 1024;

export interface Line {
  readonly line: string;
  /** False for a last line without line break: its writer may have died over it. */
  readonly isWhole: boolean;
}

/** The lines of a file that are not empty. Files may be larger than the longest text there can be. */
export function* linesOf(path: string): Generator<Line> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(chunkBytes);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, size))).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield { line, isWhole: true };
    }
    rest += decoder.end();
    if (rest !== '') yield { line: rest, isWhole: false };
  } finally {
    closeSync(file);
  }
}
