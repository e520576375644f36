/** A value that a route takes from the path. */
interface Parameter {
  readonly name: string;
  readonly fallback: string | undefined;
  readonly constraints: readonly Constraint[];
}

type Constraint = (value: string) => boolean;

/** A route template, ready to match paths. */
export interface RouteTemplate {
  /** Path parameters, decoded, or undefined if the path is not this route's. `path` has no leading slash. */
  match(path: string): Record<string, string> | undefined;
}

const tests: Readonly<Record<string, Constraint>> = {
  int: (value) => /^[+-]?\d+$/u.test(value) && Math.abs(Number(value)) <= 2 ** 31,
  long: (value) => /^[+-]?\d{1,19}$/u.test(value),
  bool: (value) => /^(?:true|false)$/iu.test(value),
  guid: (value) => /^[{(]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?$/iu.test(value),
  alpha: (value) => /^[a-z]*$/iu.test(value),
  decimal: (value) => /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/u.test(value),
  float: isNumber,
  double: isNumber,
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== '',
  file: (value) => /\.[^./]+$/u.test(value),
  nonfile: (value) => !/\.[^./]+$/u.test(value),
};

function isNumber(value: string): boolean {
  return value.trim() !== '' && Number.isFinite(Number(value));
}

const parameterized: Readonly<Record<string, (argument: string) => Constraint>> = {
  min: (argument) => (value) => isNumber(value) && Number(value) >= Number(argument),
  max: (argument) => (value) => isNumber(value) && Number(value) <= Number(argument),
  range: (argument) => {
    const [low, high] = argument.split(',').map(Number);
    return (value) => isNumber(value) && Number(value) >= (low ?? 0) && Number(value) <= (high ?? 0);
  },
  length: (argument) => {
    const [low, high] = argument.split(',').map(Number);
    return (value) => value.length >= (low ?? 0) && value.length <= (high ?? low ?? 0);
  },
  minlength: (argument) => (value) => value.length >= Number(argument),
  maxlength: (argument) => (value) => value.length <= Number(argument),
  regex: (argument) => {
    const expression = new RegExp(argument, 'iu');
    return (value) => expression.test(value);
  },
};

/**
 * Compiles an ASP.NET route template: literals (any case), `{x}`, `{x?}`, `{x=default}`, `{*rest}` and constraints
 * (learn.microsoft.com/aspnet/core/fundamentals/routing, "Route templates"). Throws an Error that names the fault.
 */
export function compileRoute(template: string): RouteTemplate {
  const parameters: Parameter[] = [];
  const segments = splitTemplate(template.replace(/^\/+|\/+$/gu, ''));
  let pattern = '';
  for (const [index, segment] of segments.entries()) {
    const compiled = compileSegment(segment, parameters, template);
    const slash = index === 0 ? '' : '/';
    pattern += compiled.optional ? `(?:${slash}${compiled.pattern})?` : `${slash}${compiled.pattern}`;
  }
  const expression = new RegExp(`^${pattern}/?$`, 'iu');
  return { match: (path) => readMatch(expression.exec(path), parameters) };
}

function readMatch(
  match: RegExpExecArray | null,
  parameters: readonly Parameter[],
): Record<string, string> | undefined {
  if (!match) return undefined;
  const values: Record<string, string> = {};
  for (const [index, parameter] of parameters.entries()) {
    const found = match[index + 1];
    const value = found === undefined || found === '' ? parameter.fallback : decode(found);
    if (value === undefined) continue;
    if (!parameter.constraints.every((holds) => holds(value))) return undefined;
    values[parameter.name] = value;
  }
  return values;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Splits at slashes outside braces. */
function splitTemplate(template: string): string[] {
  const segments: string[] = [];
  let segment = '';
  let depth = 0;
  for (const character of template) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === '/' && depth === 0) {
      segments.push(segment);
      segment = '';
    } else {
      segment += character;
    }
  }
  if (depth !== 0) throw new Error(`The route "${template}" has braces that do not match.`);
  return template === '' ? [] : [...segments, segment];
}

/** Greedy, so that of several values in one segment the first takes as much as it can, as in ASP.NET. */
const wholeValue = '([^/]+)';

interface Compiled {
  readonly pattern: string;
  readonly optional: boolean;
}

function compileSegment(segment: string, parameters: Parameter[], template: string): Compiled {
  const parts = segment.match(/\{(?:[^{}]|\{\{|\}\}|\{[^{}]*\})*\}|[^{}]+/gu) ?? [];
  if (parts.join('') !== segment) throw new Error(`The route "${template}" has braces that do not match.`);
  const compiled = parts.map((part) =>
    part.startsWith('{') ? compileParameter(part.slice(1, -1), parameters, template) : literal(part),
  );
  // A whole segment may be missing; inside one, only the last part may, with the dot before it.
  if (compiled.length === 1) return compiled[0] ?? literal('');
  const last = compiled.at(-1);
  if (!last?.optional) return { pattern: compiled.map((part) => part.pattern).join(''), optional: false };
  const head = compiled.slice(0, -1).map((part) => (part.pattern === wholeValue ? '([^/]+?)' : part.pattern));
  const dot = head.at(-1) === '\\.' ? (head.pop() ?? '') : '';
  return { pattern: `${head.join('')}(?:${dot}([^/.]+))?`, optional: false };
}

function literal(text: string): Compiled {
  return { pattern: text.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&'), optional: false };
}

function compileParameter(source: string, parameters: Parameter[], template: string): Compiled {
  const match = /^(\*{0,2})([^:?=]+)((?::(?:[^?=:(]+(?:\((?:.*?)\)(?=$|[:?=]))?))*)(\?|=.*)?$/su.exec(source);
  const name = match?.[2];
  if (!match || name === undefined)
    throw new Error(`The route "${template}" has a parameter that cannot be read: {${source}}.`);
  const suffix = match[4] ?? '';
  const fallback = suffix.startsWith('=') ? suffix.slice(1) : undefined;
  parameters.push({ name, fallback, constraints: compileConstraints(match[3] ?? '', template) });
  const isCatchAll = match[1] !== '';
  return { pattern: isCatchAll ? '(.*)' : wholeValue, optional: isCatchAll || suffix !== '' };
}

function compileConstraints(source: string, template: string): Constraint[] {
  const found = source.match(/:[^:(]+(?:\(.*?\)(?=$|:))?/gsu) ?? [];
  return found.map((text) => {
    const [, name = '', argument] = /^:([^(]+)(?:\((.*)\))?$/su.exec(text) ?? [];
    const simple = argument === undefined ? tests[name.toLowerCase()] : undefined;
    const constraint =
      simple ?? parameterized[name.toLowerCase()]?.((argument ?? '').replaceAll('{{', '{').replaceAll('}}', '}'));
    if (!constraint) throw new Error(`The route "${template}" has an unknown constraint "${name}".`);
    return constraint;
  });
}
