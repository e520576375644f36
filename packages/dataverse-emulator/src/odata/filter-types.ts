import { isGuid } from '../basics/guid.ts';
import { ODataError } from '../errors.ts';
import { normaliseDateTime } from '../schema/column-values.ts';
import type { Literal, LiteralType, Scalar } from './filter-parser.ts';

/** Kinds of OData types that may be compared with one another. */
type Kind = 'text' | 'number' | 'guid' | 'date' | 'boolean';

const kinds: Readonly<Record<string, Kind>> = {
  'Edm.String': 'text', 'Edm.Binary': 'text', 'Edm.Int32': 'number', 'Edm.Int64': 'number', 'Edm.Decimal': 'number',
  'Edm.Double': 'number', 'Edm.Guid': 'guid', 'Edm.Date': 'date', 'Edm.DateTimeOffset': 'date', 'Edm.Boolean': 'boolean',
}; // prettier-ignore

const literalTypes: Readonly<Record<Exclude<LiteralType, 'null'>, string>> = {
  text: 'Edm.String', number: 'Edm.Int32', guid: 'Edm.Guid', date: 'Edm.DateTimeOffset', boolean: 'Edm.Boolean',
}; // prettier-ignore

const operatorKinds: Readonly<Record<string, string>> = {
  eq: 'Equal', ne: 'NotEqual', gt: 'GreaterThan', ge: 'GreaterThanOrEqual', lt: 'LessThan', le: 'LessThanOrEqual',
}; // prettier-ignore

/** The text and code as recorded: github.com/rappen/FetchXMLBuilder/issues/753. */
function incompatible(left: string, right: string, operator: string): ODataError {
  const kind = operatorKinds[operator] ?? operator;
  return new ODataError(
    400,
    '0x0',
    `A binary operator with incompatible types was detected. Found operand types '${left}' and '${right}' for operator kind '${kind}'.`,
  );
}

/**
 * The value a literal has beside a property of this type: dates in the form in which they are stored. GUIDs and dates may be
 * quoted. Throws 400 for what cannot be compared.
 */
export function literalBeside(propertyType: string, literal: Literal, operator: string): Scalar {
  const { type, value } = literal;
  if (type === 'null') return null;
  const kind = kinds[propertyType];
  const text = String(value);
  if (kind === 'date' && (type === 'date' || type === 'text')) {
    const stored = normaliseDateTime(text);
    if (stored !== undefined) return propertyType === 'Edm.Date' ? stored.slice(0, 10) : stored;
  } else if (kind === 'guid' && (type === 'guid' || (type === 'text' && isGuid(text)))) {
    return text.toLowerCase();
  } else if (kind === type) {
    return value;
  }
  throw incompatible(propertyType, literalTypes[type], operator);
}

export function assertComparable(left: string, right: string, operator: string): void {
  if (kinds[left] !== kinds[right]) throw incompatible(left, right, operator);
}

/** Throws 400 when a function of text is given something else. */
export function assertText(propertyType: string, name: string): void {
  if (kinds[propertyType] === 'text') return;
  throw new ODataError(
    400,
    '0x0',
    `No function signature for the function with name '${name}' matches the specified arguments. The function signatures considered are: ${name}(Edm.String Nullable=true, Edm.String Nullable=true).`,
  );
}

/** Throws 400 when what should be true or false is something else. */
export function assertBoolean(propertyType: string, operator: string): void {
  if (kinds[propertyType] !== 'boolean') throw incompatible(propertyType, 'Edm.Boolean', operator);
}
