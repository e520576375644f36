import type { EncodedRow, RowKey } from '../mapping/encoded-row.ts';

const plainAscii = /^[\x20-\x7e]*$/;
const quotedLiteral = /'(?:[^']|'')*'/g;

/**
 * Text that is equal for keys the service may take for the same: it compares without regard to case, accents, width and
 * trailing spaces. Too equal is harmless: it only puts two rows into different requests.
 */
export function keyIdentity(key: RowKey): string {
  if (key.kind === 'id') return key.id;
  const folded = plainAscii.test(key.predicate)
    ? key.predicate
    : Buffer.from(key.predicate, 'latin1').toString('utf8').normalize('NFKD').replace(/\p{M}/gu, '');
  return folded.toLowerCase().replace(/ +'/g, "'");
}

/** Key segment of a URL, `set(key)`: the text inside quotes is percent-encoded once, the rest is syntax. */
export function keySegment(entitySetName: string, key: RowKey): string {
  if (key.kind === 'id') return `${entitySetName}(${key.id})`;
  const encoded = key.predicate.replace(
    quotedLiteral,
    (literal) => `'${encodeURIComponent(Buffer.from(literal.slice(1, -1), 'latin1').toString('utf8'))}'`,
  );
  return `${entitySetName}(${encoded})`;
}

/**
 * Deals rows into layers without equal keys: of equal keys the n-th goes to layer n, so that sending the layers one after
 * another lets the last one win.
 */
export function separateEqualKeys<T extends { readonly row: EncodedRow }>(items: readonly T[]): T[][] {
  const seen = new Map<string, number>();
  const layers: T[][] = [];
  for (const item of items) {
    const key = keyIdentity(item.row.key);
    const layer = seen.get(key) ?? 0;
    seen.set(key, layer + 1);
    (layers[layer] ??= []).push(item);
  }
  return layers;
}
