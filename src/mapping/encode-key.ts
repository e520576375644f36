import type { ColumnMetadata } from '../dataverse/table.ts';
import type { CellEncoder } from './cell-encoder.ts';
import { choiceEncoder } from './encode-choice.ts';
import { dateKeyEncoder } from './encode-date.ts';
import { canonicalNumber, numberEncoder } from './encode-number.ts';
import { guidEncoder, textKeyEncoder } from './encode-text.ts';

/** Encoder of one part of an alternate key, `name=value` (learn.microsoft.com/power-apps/developer/data-platform/use-alternate-key-reference-record). */
export function keyPartEncoder(column: ColumnMetadata): CellEncoder {
  const name = column.type === 'Lookup' ? `_${column.logicalName}_value` : column.logicalName;
  return andThen(keyLiteralEncoder(column), (literal) => `${name}=${literal}`);
}

function keyLiteralEncoder(column: ColumnMetadata): CellEncoder {
  switch (column.type) {
    case 'String':
      return textKeyEncoder(column);
    case 'Integer':
    case 'BigInt':
    case 'Decimal':
      return andThen(numberEncoder(column), canonicalNumber);
    case 'Picklist':
      return choiceEncoder(column);
    case 'DateTime':
      return dateKeyEncoder(column);
    case 'Lookup':
      return guidEncoder;
    default:
      throw unplanned(column);
  }
}

export function andThen(encode: CellEncoder, change: (encoded: string) => string): CellEncoder {
  return (text) => {
    const encoded = encode(text);
    return typeof encoded === 'string' ? change(encoded) : encoded;
  };
}

/** Only a plan that compileMapping did not make. */
export function unplanned({ logicalName, type }: ColumnMetadata): Error {
  return new Error(`The mapping plan has column ${logicalName} of type ${type} where it cannot be.`);
}
