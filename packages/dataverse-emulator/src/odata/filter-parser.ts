import { errorCodes, ODataError } from '../errors.ts';
import { numberOf } from '../basics/json.ts';

/** A whole number beyond what a double holds is a bigint; every other number is a number. */
export type Scalar = string | number | bigint | boolean | null;

/** How a literal was written. */
export type LiteralType = 'text' | 'number' | 'guid' | 'date' | 'boolean' | 'null';

export interface Literal {
  readonly kind: 'literal';
  readonly type: LiteralType;
  readonly value: Scalar;
}

/** A filter as a tree. */
export type Expression =
  | Literal
  | { readonly kind: 'list'; readonly items: readonly Scalar[] }
  | { readonly kind: 'property'; readonly path: string }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'lambda';
      readonly path: string;
      readonly quantifier: 'any' | 'all';
      readonly variable: string;
      /** `undefined`: `any()`, which asks for one row at least. */
      readonly predicate: Expression | undefined;
    }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[] };

interface Token {
  readonly kind: 'text' | 'number' | 'guid' | 'date' | 'name' | 'alias' | 'mark';
  readonly text: string;
}

const tokenPattern =
  /\s*(?:(?<enumText>[A-Za-z_][\w.]*'(?:[^']|'')*')|(?<text>'(?:[^']|'')*'|"[^"]*")|(?<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})|(?<date>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<alias>@\w+)|(?<name>[A-Za-z_][\w./]*)|(?<mark>[(),:=[\]]))/y;

const maxDepth = 50;

export function syntaxError(text: string): ODataError {
  return new ODataError(400, errorCodes.urlNotParsed, `Syntax error in '${text}'.`);
}

function tokenise(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const trimmed = text.trimEnd();
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < trimmed.length) {
    const groups = tokenPattern.exec(trimmed)?.groups;
    if (groups === undefined) throw syntaxError(text);
    const [kind, value] = Object.entries(groups).find(([, found]) => (found as string | undefined) !== undefined) ?? [
      'mark',
      '',
    ];
    // An enumeration literal such as Namespace.Type'Value' counts as its text.
    if (kind === 'enumText') tokens.push({ kind: 'text', text: value.slice(value.indexOf("'")) });
    else tokens.push({ kind: kind as Token['kind'], text: value });
  }
  return tokens;
}

function numericValue(text: string): number | bigint {
  const number = numberOf(text);
  if (typeof number === 'number') return number;
  return text.includes('.') ? Number(text) : BigInt(text);
}

const comparisons = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le']);

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #aliases: ReadonlyMap<string, string>;
  #next = 0;
  #depth = 0;

  constructor(source: string, aliases: ReadonlyMap<string, string>) {
    this.#source = source;
    this.#tokens = tokenise(source);
    this.#aliases = aliases;
  }

  parse(): Expression {
    const expression = this.#or();
    if (this.#next < this.#tokens.length) throw syntaxError(this.#source);
    return expression;
  }

  #peek(text: string): boolean {
    return this.#tokens[this.#next]?.text === text;
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#next += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw syntaxError(this.#source);
  }

  #or(): Expression {
    this.#deepen();
    let left = this.#and();
    while (this.#take('or')) left = { kind: 'binary', operator: 'or', left, right: this.#and() };
    this.#depth -= 1;
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#take('and')) left = { kind: 'binary', operator: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (!this.#take('not')) return this.#comparison();
    this.#deepen();
    const operand = this.#not();
    this.#depth -= 1;
    return { kind: 'not', operand };
  }

  #deepen(): void {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw syntaxError(this.#source);
  }

  #comparison(): Expression {
    const left = this.#primary();
    const operator = this.#tokens[this.#next]?.text ?? '';
    if (!comparisons.has(operator)) return left;
    this.#next += 1;
    return { kind: 'binary', operator, left, right: this.#primary() };
  }

  #primary(): Expression {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw syntaxError(this.#source);
    this.#next += 1;
    switch (token.kind) {
      case 'text':
        return { kind: 'literal', type: 'text', value: token.text.slice(1, -1).replaceAll("''", "'") };
      case 'guid':
        return { kind: 'literal', type: 'guid', value: token.text.toLowerCase() };
      case 'date':
        return { kind: 'literal', type: 'date', value: token.text };
      case 'number':
        return { kind: 'literal', type: 'number', value: numericValue(token.text) };
      case 'alias':
        return this.#alias(token.text);
      case 'name':
        return this.#named(token.text);
      case 'mark':
        return this.#marked(token.text);
    }
  }

  #marked(mark: string): Expression {
    if (mark === '[') return this.#list();
    if (mark !== '(') throw syntaxError(this.#source);
    const inner = this.#or();
    this.#expect(')');
    return inner;
  }

  #list(): Expression {
    const items: Scalar[] = [];
    while (!this.#take(']')) {
      const item = this.#primary();
      if (item.kind !== 'literal') throw syntaxError(this.#source);
      items.push(item.value);
      if (!this.#peek(']')) this.#expect(',');
    }
    return { kind: 'list', items };
  }

  #alias(name: string): Expression {
    const text = this.#aliases.get(name);
    if (text === undefined)
      throw new ODataError(400, errorCodes.urlNotParsed, `The parameter alias '${name}' has no value.`);
    return new Parser(text, new Map()).parse();
  }

  #named(name: string): Expression {
    if (name === 'true' || name === 'false') return { kind: 'literal', type: 'boolean', value: name === 'true' };
    if (name === 'null') return { kind: 'literal', type: 'null', value: null };
    if (!this.#take('(')) return { kind: 'property', path: name };
    const lambda = /^(.+)\/(any|all)$/.exec(name);
    if (lambda !== null) return this.#lambda(lambda[1] ?? '', lambda[2] === 'all' ? 'all' : 'any');
    const operands: Expression[] = [];
    while (!this.#take(')')) {
      operands.push(this.#operand());
      if (!this.#peek(')')) this.#expect(',');
    }
    return { kind: 'call', name, operands };
  }

  #lambda(path: string, quantifier: 'any' | 'all'): Expression {
    if (this.#take(')')) return { kind: 'lambda', path, quantifier, variable: '', predicate: undefined };
    const variable = this.#tokens[this.#next]?.text ?? '';
    this.#next += 1;
    this.#expect(':');
    const predicate = this.#or();
    this.#expect(')');
    return { kind: 'lambda', path, quantifier, variable, predicate };
  }

  /** An operand, which query functions name: `PropertyName='x'`. */
  #operand(): Expression {
    if (this.#tokens[this.#next + 1]?.text === '=') this.#next += 2;
    return this.#or();
  }
}

/** Reads `$filter`. `aliases` are the query's `@name` parameters. Throws 400 for broken syntax. */
export function parseFilter(text: string, aliases: ReadonlyMap<string, string>): Expression {
  return new Parser(text, aliases).parse();
}
