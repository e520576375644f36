import { errorCodes, ODataError } from '../errors.ts';
import { normaliseDateTime } from '../schema/column-values.ts';
import { parseFilter, syntaxError, type Expression, type Literal, type Scalar } from './filter-parser.ts';
import { assertBoolean, assertComparable, assertText, literalBeside } from './filter-types.ts';

export type { Scalar } from './filter-parser.ts';

/** A property of the things a filter is about. */
export interface FilterProperty<T> {
  readonly read: (item: T) => Scalar;
  /** As OData names it, `Edm.Int32`; `undefined` when it is not known, and then nothing is checked. */
  readonly type: string | undefined;
}

/** What a filter is about. */
export interface FilterSubject<T> {
  /** Throws for names it does not know. */
  property(path: string): FilterProperty<T>;
  /** A collection-valued property: the items in it, and what may be said about each. Throws for names it does not know. */
  collection?(path: string): FilterCollection<T>;
}

export interface FilterCollection<T, U = unknown> {
  items(item: T): readonly U[];
  readonly subject: FilterSubject<U>;
}

/** A property whose type nobody knows. */
export const untyped = <T>(read: (item: T) => Scalar): FilterProperty<T> => ({ read, type: undefined });

/**
 * Compiles `$filter`. Text compares without regard to case. Names, types and functions are checked here, so that a query fails
 * whatever the items are.
 */
export function compileFilter<T>(
  text: string,
  aliases: ReadonlyMap<string, string>,
  subject: FilterSubject<T>,
): (item: T) => boolean {
  return compileExpression(parseFilter(text, aliases), subject);
}

export function compileExpression<T>(expression: Expression, subject: FilterSubject<T>): (item: T) => boolean {
  const { read } = new Compiler(subject).compile(expression, 'And');
  return (item) => read(item) === true;
}

const fold = (value: Scalar): Scalar => (typeof value === 'string' ? value.toLowerCase() : value);

/** A literal beside nothing of a known type. */
const plainValue = ({ type, value }: Literal): Scalar =>
  type === 'date' && String(value).length > dateLength ? (normaliseDateTime(String(value)) ?? value) : value;
const dateLength = '2024-05-31'.length;

/** The variable of a lambda while its predicate runs. */
interface Variable {
  readonly subject: FilterSubject<unknown>;
  current: unknown;
}

class Compiler<T> {
  readonly #subject: FilterSubject<T>;
  readonly #variables: ReadonlyMap<string, Variable>;

  constructor(subject: FilterSubject<T>, variables: ReadonlyMap<string, Variable> = new Map()) {
    this.#subject = subject;
    this.#variables = variables;
  }

  /** `operator` is what asks for true or false. */
  compile(expression: Expression, operator: string): FilterProperty<T> {
    switch (expression.kind) {
      case 'literal':
      case 'list': {
        const value = expression.kind === 'literal' ? plainValue(expression) : null;
        return untyped(() => value);
      }
      case 'property': {
        const property = this.#property(expression.path);
        if (property.type !== undefined) assertBoolean(property.type, operator);
        return property;
      }
      case 'not': {
        const { read } = this.compile(expression.operand, 'Not');
        return untyped((item) => read(item) !== true);
      }
      case 'binary':
        return this.#binary(expression);
      case 'lambda':
        return this.#lambda(expression);
      case 'call':
        return this.#call(expression.name, expression.operands);
    }
  }

  #property(path: string): FilterProperty<T> {
    const slash = path.indexOf('/');
    const variable = slash < 0 ? undefined : this.#variables.get(path.slice(0, slash));
    if (variable === undefined) return this.#subject.property(path);
    const { read, type } = variable.subject.property(path.slice(slash + 1));
    return { read: () => read(variable.current), type };
  }

  #binary({ operator, left, right }: Expression & { kind: 'binary' }): FilterProperty<T> {
    if (operator === 'and' || operator === 'or') {
      const name = operator === 'and' ? 'And' : 'Or';
      const [first, second] = [this.compile(left, name).read, this.compile(right, name).read];
      return operator === 'and'
        ? untyped((item) => first(item) === true && second(item) === true)
        : untyped((item) => first(item) === true || second(item) === true);
    }
    const [first, second] = this.#operands(left, right, operator);
    return untyped((item) => compare(operator, fold(first(item)), fold(second(item))));
  }

  /** Both sides of a comparison, literals in the form of the property they are compared with. */
  #operands(
    left: Expression,
    right: Expression,
    operator: string,
  ): readonly [(item: T) => Scalar, (item: T) => Scalar] {
    const [first, second] = [this.#operand(left), this.#operand(right)];
    if (first.type !== undefined && right.kind === 'literal') {
      const value = literalBeside(first.type, right, operator);
      return [first.read, () => value];
    }
    if (second.type !== undefined && left.kind === 'literal') {
      const value = literalBeside(second.type, left, operator);
      return [() => value, second.read];
    }
    if (first.type !== undefined && second.type !== undefined) assertComparable(first.type, second.type, operator);
    return [first.read, second.read];
  }

  #operand(expression: Expression): FilterProperty<T> {
    return expression.kind === 'property' ? this.#property(expression.path) : this.compile(expression, 'Equal');
  }

  #lambda({ path, quantifier, variable, predicate }: Expression & { kind: 'lambda' }): FilterProperty<T> {
    const collection = this.#subject.collection?.(path);
    if (collection === undefined) throw new ODataError(400, errorCodes.urlNotParsed, `'${path}' is not a collection.`);
    if (predicate === undefined) return untyped((item) => collection.items(item).length > 0);
    const scope: Variable = { subject: collection.subject, current: undefined };
    const inner = new Compiler(this.#subject, new Map([...this.#variables, [variable, scope]]));
    const { read } = inner.compile(predicate, 'And');
    const holds = (item: T, related: unknown): boolean => {
      scope.current = related;
      return read(item) === true;
    };
    return quantifier === 'any'
      ? untyped((item) => collection.items(item).some((related) => holds(item, related)))
      : untyped((item) => collection.items(item).every((related) => holds(item, related)));
  }

  #call(name: string, [first, second]: readonly Expression[]): FilterProperty<T> {
    if (/^Microsoft\.Dynamics\.CRM\.(In|NotIn)$/.test(name)) return this.#isIn(name, first, second);
    if (!['contains', 'startswith', 'endswith'].includes(name)) {
      throw new ODataError(501, errorCodes.notImplemented, `The query function '${name}' is not implemented.`);
    }
    if (first === undefined || second === undefined) throw syntaxError(name);
    const operands = [this.#operand(first), this.#operand(second)] as const;
    for (const { type } of operands) if (type !== undefined) assertText(type, name);
    const [readText, readPart] = [operands[0].read, operands[1].read];
    return untyped((item) => {
      const [text, part] = [fold(readText(item)), fold(readPart(item))];
      if (typeof text !== 'string' || typeof part !== 'string') return false;
      if (name === 'contains') return text.includes(part);
      return name === 'startswith' ? text.startsWith(part) : text.endsWith(part);
    });
  }

  #isIn(name: string, first: Expression | undefined, second: Expression | undefined): FilterProperty<T> {
    if (first?.kind !== 'literal' || second?.kind !== 'list') throw syntaxError(name);
    const { read } = this.#property(String(first.value));
    const wanted = new Set(second.items.map((candidate) => String(fold(candidate))));
    const isNegated = name.endsWith('NotIn');
    return untyped((item) => wanted.has(String(fold(read(item)))) !== isNegated);
  }
}

function compare(operator: string, left: Scalar, right: Scalar): boolean {
  if (operator === 'eq') return left === right;
  if (operator === 'ne') return left !== right;
  if (left === null || right === null) return false;
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
