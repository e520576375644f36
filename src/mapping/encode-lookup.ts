import type { CellEncoder } from './cell-encoder.ts';
import { boundTextEncoder, guidEncoder } from './encode-text.ts';
import type { PlannedBind } from './mapping-plan.ts';
import { jsonString } from './json-string.ts';

/** The value of `{nav}@odata.bind`: `"/accounts(guid)"`, or `"/accounts(code='A')"` by a text column of an alternate key. */
export function bindEncoder({ entitySetName, keyColumn }: PlannedBind): CellEncoder {
  const part = keyColumn === undefined ? guidEncoder : boundTextEncoder;
  const before = keyColumn === undefined ? `/${entitySetName}(` : `/${entitySetName}(${keyColumn}=`;
  return (text) => {
    const encoded = part(text);
    return typeof encoded === 'string' ? jsonString(`${before}${encoded})`) : encoded;
  };
}
