import type { EncodedRow, RowKey } from '../mapping/encoded-row.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { readOneByte } from './one-byte.ts';

const plainAscii = /^[\x20-\x7e]*$/;
const quotedLiteral = /'(?:[^']|'')*'/g;
/** Accents belong to no script of their own; the vowel signs of Thai or Devanagari do, and are letters (unicode.org/reports/tr24). */
const accents = /\p{Script=Inherited}/gu;

/**
 * Text that is equal for keys the service may take for the same: it compares without regard to case, accents, width and trailing spaces. Of rows
 * with one identity only the last is sent, so that it must be no more equal than the service is.
 */
export function keyIdentity(key: RowKey): string {
  if (key.kind === 'id') return key.partitionId === undefined ? key.id : `${key.id},${key.partitionId}`;
  const folded = plainAscii.test(key.predicate)
    ? key.predicate
    : readOneByte(key.predicate).normalize('NFKD').replace(accents, '');
  const lower = folded.toLowerCase();
  return lower.includes(" '") ? lower.replace(quotedLiteral, (literal) => literal.replace(/ +'$/, "'")) : lower;
}

/** Key segment of a URL, `set(key)`: the text inside quotes is percent-encoded once, the rest is syntax. */
export function keySegment(target: Pick<WriteTarget, 'entitySetName' | 'primaryIdColumn'>, key: RowKey): string {
  return `${target.entitySetName}(${encodeLiterals(predicateOf(target.primaryIdColumn, key))})`;
}

function predicateOf(primaryIdColumn: string, key: RowKey): string {
  if (key.kind === 'alternate') return key.predicate;
  if (key.partitionId === undefined) return key.id;
  // learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables: the key that every elastic table has
  return `${primaryIdColumn}=${key.id},partitionid='${key.partitionId.replaceAll("'", "''")}'`;
}

function encodeLiterals(predicate: string): string {
  return predicate.replace(quotedLiteral, (literal) => `'${encodeURIComponent(readOneByte(literal.slice(1, -1)))}'`);
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

/** One column of an alternate key, in one-byte text. */
export interface KeyPart {
  readonly column: string;
  /** As it stands in the predicate: quoted text, a number, a date, a GUID. */
  readonly literal: string;
  /** What quoted text says. */
  readonly text?: string;
}

/** Takes a key predicate apart. */
export function keyParts(predicate: string): KeyPart[] {
  return [...predicate.matchAll(/(\w+)=('(?:[^']|'')*'|[^,']*)(?:,|$)/g)].map(([, column = '', literal = '']) => ({
    column,
    literal,
    ...(literal.startsWith("'") && { text: literal.slice(1, -1).replaceAll("''", "'") }),
  }));
}
