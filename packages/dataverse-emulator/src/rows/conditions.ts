import { errorCodes, invalidRequest, ODataError } from '../errors.ts';
import type { Scalar } from '../odata/filter.ts';

/** A filter in the form that FetchXML and QueryExpression share. */
export interface ConditionGroup {
  readonly operator: 'and' | 'or';
  readonly conditions: readonly Condition[];
  readonly groups: readonly ConditionGroup[];
}

export interface Condition {
  readonly column: string;
  /** As FetchXML spells it: `eq`, `not-null`, `begins-with`. */
  readonly operator: string;
  readonly values: readonly string[];
}

type Test = (value: Scalar, operands: readonly string[]) => boolean;

/** Text compares without regard to case; numbers and booleans with what the text of an operand stands for. */
function compare(value: Scalar, operand: string | undefined): number | undefined {
  if (value === null || operand === undefined) return undefined;
  if (typeof value === 'number') return value - Number(operand);
  if (typeof value === 'bigint') return compareWhole(value, operand);
  if (typeof value === 'boolean') return value === (operand === '1' || operand.toLowerCase() === 'true') ? 0 : 1;
  const [left, right] = [value.toLowerCase(), operand.replace(/^\{|\}$/g, '').toLowerCase()];
  return left < right ? -1 : left > right ? 1 : 0;
}

const compareWhole = (value: bigint, operand: string): number => {
  const other = /^-?\d+$/.test(operand) ? BigInt(operand) : Number(operand);
  return value < other ? -1 : value > other ? 1 : 0;
};

const isLike = (value: Scalar, pattern: string | undefined): boolean => {
  const escaped = (pattern ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'is').test(String(value ?? ''));
};

const isIn: Test = (value, operands) => operands.some((operand) => compare(value, operand) === 0);

/** learn.microsoft.com/power-apps/developer/data-platform/fetchxml/reference/operators */
const tests: Readonly<Record<string, Test>> = {
  eq: (value, [operand]) => compare(value, operand) === 0,
  ne: (value, [operand]) => compare(value, operand) !== 0,
  gt: (value, [operand]) => (compare(value, operand) ?? NaN) > 0,
  ge: (value, [operand]) => (compare(value, operand) ?? NaN) >= 0,
  lt: (value, [operand]) => (compare(value, operand) ?? NaN) < 0,
  le: (value, [operand]) => (compare(value, operand) ?? NaN) <= 0,
  like: (value, [operand]) => value !== null && isLike(value, operand),
  'not-like': (value, [operand]) => value !== null && !isLike(value, operand),
  'begins-with': (value, [operand]) => value !== null && isLike(value, `${operand ?? ''}%`),
  'ends-with': (value, [operand]) => value !== null && isLike(value, `%${operand ?? ''}`),
  in: isIn,
  'not-in': (value, operands) => value !== null && !isIn(value, operands),
  between: (value, [low, high]) => (compare(value, low) ?? NaN) >= 0 && (compare(value, high) ?? NaN) <= 0,
  null: (value) => value === null,
  'not-null': (value) => value !== null,
};

/** Compiles a filter. `readerOf` throws for unknown names. Throws 501 for operators that are not supported here. */
export function compileConditions<T>(
  { operator, conditions, groups }: ConditionGroup,
  readerOf: (column: string) => (item: T) => Scalar,
): (item: T) => boolean {
  const parts = [
    ...conditions.map((condition) => compileCondition(condition, readerOf)),
    ...groups.map((group) => compileConditions(group, readerOf)),
  ];
  if (parts.length === 0) return () => true;
  return operator === 'or'
    ? (item) => parts.some((matches) => matches(item))
    : (item) => parts.every((matches) => matches(item));
}

function compileCondition<T>(
  { column, operator, values }: Condition,
  readerOf: (column: string) => (item: T) => Scalar,
): (item: T) => boolean {
  const test = Object.hasOwn(tests, operator) ? tests[operator] : undefined;
  if (test === undefined) {
    throw new ODataError(501, errorCodes.notImplemented, `The condition operator '${operator}' is not implemented.`);
  }
  if (column === '') throw invalidRequest('A condition has no attribute.');
  const read = readerOf(column);
  return (item) => test(read(item), values);
}
