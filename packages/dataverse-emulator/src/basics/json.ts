export type JsonObject = Readonly<Record<string, unknown>>;

/** What ECMAScript gives since "JSON.parse source text access" (Node 22), and its type library does not know yet. */
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
};

/** A number literal with more digits than a double holds, as it was written. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** `JSON.stringify` writes the digits as they are. */
  toJSON(): object {
    return json.rawJSON(this.text);
  }
}

const manyDigits = /\d[\d.]{15}/;
const plainNumber = /^-?\d+(?:\.\d+)?$/;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** The number a literal stands for: a double when that loses nothing. */
export function numberOf(literal: string): number | ExactNumber {
  const number = Number(literal);
  if (!manyDigits.test(literal) || !plainNumber.test(literal)) return number;
  return String(number) === canonicalDigits(literal) ? number : new ExactNumber(literal);
}

/** Without leading and trailing zeros that say nothing, and without a minus before nothing. */
export function canonicalDigits(literal: string): string {
  const digits = literal.replace(/^(-?)0+(?=\d)/, '$1').replace(/(\.\d*?)0+$/, '$1');
  return digits.replace(/\.$/, '').replace(/^-(?=0$)/, '');
}

/** How many objects and lists stand inside one another at most; counted without recursion, which deep text would break. */
export function nestingDepth(text: string): number {
  let [depth, deepest] = [0, 0];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === quote) index = endOfText(text, index);
    else if (code === openBrace || code === openBracket) deepest = Math.max(deepest, (depth += 1));
    else if (code === closeBrace || code === closeBracket) depth -= 1;
  }
  return deepest;
}

const [quote, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x7b, 0x7d, 0x5b, 0x5d];

function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text[index - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

/** `JSON.parse`, but numbers that a double cannot hold come as `ExactNumber`. */
export function parseJson(text: string): unknown {
  if (!manyDigits.test(text)) return JSON.parse(text);
  return json.parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined ? numberOf(source) : value,
  );
}
