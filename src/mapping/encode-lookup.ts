import type { CellEncoder } from './cell-encoder.ts';
import { guidEncoder, textKeyEncoder } from './encode-text.ts';
import type { PlannedBind } from './mapping-plan.ts';
import { jsonString } from './json-string.ts';

/** The value of `{nav}@odata.bind`: `"/accounts(guid)"`, or `"/accounts(code='A')"` by a text column of an alternate key. */
export function bindEncoder({ entitySetName, keyColumn }: PlannedBind): CellEncoder {
  const part = keyColumn === undefined ? guidEncoder : boundKeyEncoder;
  const before = keyColumn === undefined ? `/${entitySetName}(` : `/${entitySetName}(${keyColumn}=`;
  return (text) => {
    const encoded = part(text);
    return typeof encoded === 'string' ? jsonString(`${before}${encoded})`) : encoded;
  };
}

const textKey = textKeyEncoder({});

/**
 * The literal stands as it is. A user recorded that a bound reference with `#` is a syntax error and with `%23` finds no row
 * (github.com/MicrosoftDocs/powerapps-docs/issues/1895), so percent-encoding seems not to be undone there.
 */
const boundKeyEncoder: CellEncoder = (text) =>
  text.includes('#')
    ? { code: 'mapping.keyCharacter', problem: 'contains #, which cannot stand in a lookup by alternate key' }
    : textKey(text);
