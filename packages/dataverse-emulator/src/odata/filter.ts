import { errorCodes, ODataError } from '../errors.ts';
import { parseFilter, syntaxError, type Expression, type Scalar } from './filter-parser.ts';

export { namedPaths, type Scalar } from './filter-parser.ts';

/** Gives the value of a property path of the thing that is tested. Throws for names it does not know. */
export type ReadProperty<T> = (item: T, path: string) => Scalar;

/** The rows of a collection-valued property, each as a reader of its own columns. Throws for names it does not know. */
export type ReadCollection<T> = (item: T, path: string) => readonly ((path: string) => Scalar)[];

/** Compiles `$filter`. Text compares without regard to case. */
export function compileFilter<T>(
  text: string,
  aliases: ReadonlyMap<string, string>,
  read: ReadProperty<T>,
  readCollection: ReadCollection<T> = (_, path) => {
    throw new ODataError(400, errorCodes.urlNotParsed, `'${path}' is not a collection.`);
  },
): (item: T) => boolean {
  const expression = parseFilter(text, aliases);
  const readers: Readers<T> = { read, readCollection };
  return (item) => evaluate(expression, item, readers) === true;
}

interface Readers<T> {
  readonly read: ReadProperty<T>;
  readonly readCollection: ReadCollection<T>;
}

const fold = (value: Scalar): Scalar => (typeof value === 'string' ? value.toLowerCase() : value);

function evaluate<T>(expression: Expression, item: T, readers: Readers<T>): Scalar {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'list':
      return null;
    case 'property':
      return readers.read(item, expression.path);
    case 'not':
      return evaluate(expression.operand, item, readers) !== true;
    case 'binary':
      return binary(expression, item, readers);
    case 'lambda':
      return lambda(expression, item, readers);
    case 'call':
      return call(expression.name, expression.operands, item, readers);
  }
}

function binary<T>(expression: Expression & { kind: 'binary' }, item: T, readers: Readers<T>): boolean {
  const { operator } = expression;
  const left = evaluate(expression.left, item, readers);
  if (operator === 'and') return left === true && evaluate(expression.right, item, readers) === true;
  if (operator === 'or') return left === true || evaluate(expression.right, item, readers) === true;
  return compare(operator, fold(left), fold(evaluate(expression.right, item, readers)));
}

function lambda<T>(expression: Expression & { kind: 'lambda' }, item: T, readers: Readers<T>): boolean {
  const { path, quantifier, variable, predicate } = expression;
  const rows = readers.readCollection(item, path);
  if (predicate === undefined) return rows.length > 0;
  const own = `${variable}/`;
  const holds = (readRow: (path: string) => Scalar): boolean =>
    evaluate(predicate, item, {
      ...readers,
      read: (outer, name) => (name.startsWith(own) ? readRow(name.slice(own.length)) : readers.read(outer, name)),
    }) === true;
  return quantifier === 'any' ? rows.some(holds) : rows.every(holds);
}

function compare(operator: string, left: Scalar, right: Scalar): boolean {
  if (operator === 'eq') return left === right;
  if (operator === 'ne') return left !== right;
  if (left === null || right === null || typeof left !== typeof right) return false;
  switch (operator) {
    case 'gt':
      return left > right;
    case 'ge':
      return left >= right;
    case 'lt':
      return left < right;
    default:
      return left <= right;
  }
}

function call<T>(name: string, operands: readonly Expression[], item: T, readers: Readers<T>): boolean {
  const [first, second] = operands;
  if (first === undefined || second === undefined) throw syntaxError(name);
  if (/^(Microsoft\.Dynamics\.CRM\.)(In|NotIn)$/.test(name)) {
    if (first.kind !== 'literal' || second.kind !== 'list') throw syntaxError(name);
    const value = fold(readers.read(item, String(first.value)));
    const isIn = second.items.some((candidate) => String(fold(candidate)) === String(value));
    return name.endsWith('NotIn') ? !isIn : isIn;
  }
  const text = fold(evaluate(first, item, readers));
  const part = fold(evaluate(second, item, readers));
  if (!['contains', 'startswith', 'endswith'].includes(name)) {
    throw new ODataError(501, errorCodes.notImplemented, `The query function '${name}' is not implemented.`);
  }
  if (typeof text !== 'string' || typeof part !== 'string') return false;
  if (name === 'contains') return text.includes(part);
  return name === 'startswith' ? text.startsWith(part) : text.endsWith(part);
}
