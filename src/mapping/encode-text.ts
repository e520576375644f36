import type { ColumnMetadata } from '../dataverse/table.ts';
import type { CellEncoder, Misfit } from './cell-encoder.ts';
import { decodeText } from '../source/one-byte-text.ts';
import { jsonString } from './json-string.ts';

export function textEncoder(column: ColumnMetadata): CellEncoder {
  const { maxLength } = column;
  return (text) => findTooLong(text, maxLength) ?? jsonString(text);
}

/** Lengths count in UTF-16 units, of which one-byte text never has fewer characters. */
function findTooLong(text: string, maxLength: number | undefined): Misfit | undefined {
  if (maxLength === undefined || text.length <= maxLength) return undefined;
  const { length } = decodeText(text);
  if (length <= maxLength) return undefined;
  return { code: 'mapping.length', problem: `has ${length} characters; at most ${maxLength} fit` };
}

/**
 * Characters that break a URL with an alternate key, percent-encoded or not
 * (learn.microsoft.com/power-apps/developer/data-platform/define-alternate-keys-entity).
 */
export const breaksKey = /[/<>*%&:\\?+]/;

/** A text as OData literal: in single quotes, those inside doubled. */
export function textKeyEncoder(column: Pick<ColumnMetadata, 'maxLength'>): CellEncoder {
  return (text) => findTooLong(text, column.maxLength) ?? literalOf(text);
}

/**
 * The same inside a reference to another row, which is a URL. The literal stands as it is: a user recorded that a bound reference with `#` is a
 * syntax error and with `%23` finds no row (github.com/MicrosoftDocs/powerapps-docs/issues/1895), so percent-encoding seems not to be undone there.
 */
export function refuseBoundCharacters(encode: CellEncoder): CellEncoder {
  return (text) => {
    const broken = breaksKey.exec(text) ?? /#/.exec(text);
    if (broken === null) return encode(text);
    return {
      code: 'mapping.keyCharacter',
      problem: `contains ${broken[0]}, which cannot stand in a lookup by alternate key`,
    };
  };
}

function literalOf(text: string): string {
  return `'${text.includes("'") ? text.replaceAll("'", "''") : text}'`;
}

const guidForm = /^(?:\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** A bare GUID in lower case; braces around it are taken off. */
export const guidEncoder: CellEncoder = (text) => {
  if (!guidForm.test(text)) return { code: 'mapping.guid', problem: 'is not a GUID' };
  const bare = text.startsWith('{') ? text.slice(1, -1) : text;
  return bare.toLowerCase();
};

const falseWords = new Set(['false', '0', 'no']);
const trueWords = new Set(['true', '1', 'yes']);

export const booleanEncoder: CellEncoder = (text) => {
  const word = text.toLowerCase();
  if (trueWords.has(word)) return 'true';
  if (falseWords.has(word)) return 'false';
  return { code: 'mapping.boolean', problem: 'is none of true, false, 1, 0, yes, no' };
};
