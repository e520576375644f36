import type { CellEncoder } from './cell-encoder.ts';
import { breaksKey } from './encode-text.ts';

/** learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables */
const mostPartitionBytes = 1_024;

/** The partition of an elastic row, as it is: it takes the characters of alternate keys, at most 1,024 bytes. */
export const encodePartition: CellEncoder = (text) => {
  const broken = breaksKey.exec(text);
  if (broken !== null) {
    return { code: 'mapping.keyCharacter', problem: `contains ${broken[0]}, which cannot stand in a partition id` };
  }
  // One-byte text has a character for each byte.
  return text.length <= mostPartitionBytes
    ? text
    : { code: 'mapping.length', problem: `has ${text.length} bytes; at most ${mostPartitionBytes} fit` };
};
