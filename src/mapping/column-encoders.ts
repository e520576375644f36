import type { ColumnMetadata } from '../dataverse/table.ts';
import type { CellEncoder } from './cell-encoder.ts';
import { choiceEncoder, multiSelectEncoder } from './encode-choice.ts';
import { dateEncoder, dateKeyEncoder } from './encode-date.ts';
import { bindEncoder } from './encode-lookup.ts';
import { bigIntEncoder, canonicalNumber, decimalEncoder, doubleEncoder, integerEncoder } from './encode-number.ts';
import { booleanEncoder, guidEncoder, textEncoder, textKeyEncoder } from './encode-text.ts';
import type { PlannedColumn } from './mapping-plan.ts';

/** Encoder of a written column: its JSON value. */
export function valueEncoder({ column, bind }: PlannedColumn): CellEncoder {
  switch (column.type) {
    case 'String':
    case 'Memo':
      return textEncoder(column);
    case 'Integer':
    case 'BigInt':
    case 'Decimal':
    case 'Money':
    case 'Double':
      return numberEncoder(column);
    case 'Boolean':
      return booleanEncoder;
    case 'Picklist':
    case 'State':
    case 'Status':
      return choiceEncoder(column);
    case 'MultiSelectPicklist':
      return multiSelectEncoder(column);
    case 'DateTime':
      return dateEncoder(column);
    case 'Uniqueidentifier':
      return andThen(guidEncoder, (guid) => `"${guid}"`);
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      if (bind !== undefined) return bindEncoder(bind);
      break;
    case 'Other':
      break;
  }
  throw unplanned(column);
}

function numberEncoder(column: ColumnMetadata): CellEncoder {
  if (column.type === 'Integer') return integerEncoder(column);
  if (column.type === 'BigInt') return bigIntEncoder(column);
  return column.type === 'Double' ? doubleEncoder(column) : decimalEncoder(column);
}

/** Encoder of one part of an alternate key, `name=value` (learn.microsoft.com/power-apps/developer/data-platform/use-alternate-key-reference-record). */
export function keyPartEncoder({ column }: PlannedColumn): CellEncoder {
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

function andThen(encode: CellEncoder, change: (encoded: string) => string): CellEncoder {
  return (text) => {
    const encoded = encode(text);
    return typeof encoded === 'string' ? change(encoded) : encoded;
  };
}

/** Only a plan that compileMapping did not make. */
function unplanned({ logicalName, type }: ColumnMetadata): Error {
  return new Error(`The mapping plan has column ${logicalName} of type ${type} where it cannot be.`);
}
