import type { CellEncoder } from './cell-encoder.ts';
import { choiceEncoder, multiSelectEncoder } from './encode-choice.ts';
import { dateEncoder } from './encode-date.ts';
import { andThen, unplanned } from './encode-key.ts';
import { bindEncoder } from './encode-lookup.ts';
import { numberEncoder } from './encode-number.ts';
import { booleanEncoder, guidEncoder, textEncoder } from './encode-text.ts';
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
