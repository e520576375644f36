import type { CellEncoder } from './cell-encoder.ts';
import { guidEncoder, textKeyEncoder } from './encode-text.ts';
import type { PlannedBind } from './mapping-plan.ts';
import { decodeText } from './one-byte-text.ts';

/** The value of `{nav}@odata.bind`: `"/accounts(guid)"`, or `"/accounts(code='A')"` by a text column of an alternate key. */
export function bindEncoder(bind: PlannedBind): CellEncoder {
  const { entitySetName, keyColumn } = bind;
  if (keyColumn === undefined) return addressEncoder(guidEncoder, `"/${entitySetName}(`);
  const literal = textKeyEncoder({});
  const encoded: CellEncoder = (text) => {
    const quoted = literal(text);
    return typeof quoted === 'string' ? encodeUrlText(quoted) : quoted;
  };
  return addressEncoder(encoded, `"/${entitySetName}(${keyColumn}=`);
}

function addressEncoder(part: CellEncoder, before: string): CellEncoder {
  return (text) => {
    const encoded = part(text);
    return typeof encoded === 'string' ? `${before}${encoded})"` : encoded;
  };
}

const plainInUrl = /^[A-Za-z0-9'._~-]*$/;

/** The value is a URL, so what is not plain in one is percent-encoded; that leaves nothing for JSON to escape. */
function encodeUrlText(oneByte: string): string {
  return plainInUrl.test(oneByte) ? oneByte : encodeURIComponent(decodeText(oneByte));
}
