import type { CellEncoder } from './cell-encoder.ts';
import { andThen, keyPartEncoder } from './encode-key.ts';
import { guidEncoder, refuseBoundCharacters } from './encode-text.ts';
import { jsonString } from './json-string.ts';
import type { PlannedBind } from './mapping-plan.ts';

/** The value of `{nav}@odata.bind`: `"/accounts(guid)"`, or `"/accounts(code='A')"` by an alternate key of one column. */
export function bindEncoder({ entitySetName, key }: PlannedBind): CellEncoder {
  const predicate = key === undefined ? guidEncoder : refuseBoundCharacters(keyPartEncoder(key));
  return andThen(predicate, (encoded) => jsonString(`/${entitySetName}(${encoded})`));
}
