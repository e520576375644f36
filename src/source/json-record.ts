import { columnLimit, fieldLimitBytes, nestingLimit } from './limits.ts';
import type { Cell } from './source-row.ts';
import { decodeText, encodeText } from './one-byte-text.ts';

/** What one JSON line holds: its members in order, or what is wrong with it and where in the line. */
export type JsonRecord =
  | { readonly members: ReadonlyMap<string, Cell> }
  | { readonly problem: { readonly message: string; readonly at: number } };

class JsonProblem extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/**
 * Reads one JSON object from one-byte text. Member names are decoded; values keep their digits. `JSON.parse` judges whether the line is
 * JSON at all; what it forgives (duplicate members, half surrogate pairs) or loses (digits) is looked at here.
 */
export function readJsonRecord(line: string): JsonRecord {
  const syntax = findSyntaxProblem(line);
  if (syntax !== undefined) return { problem: syntax };
  try {
    return { members: scanMembers(line) };
  } catch (error) {
    if (error instanceof JsonProblem) return { problem: { message: error.message, at: error.at } };
    throw error;
  }
}

function findSyntaxProblem(line: string): { message: string; at: number } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject
      ? undefined
      : { message: 'The line is not a JSON object; JSON lines are one object a line.', at: 0 };
  } catch {
    // The parser's own message quotes the line, and row contents stay out of messages.
    return { message: 'The line is not valid JSON.', at: 0 };
  }
}

/** The line is known to be a JSON object. */
function scanMembers(line: string): Map<string, Cell> {
  const members = new Map<string, Cell>();
  let at = skipSpace(line, line.indexOf('{') + 1);
  while (line.charAt(at) !== '}') {
    const nameEnd = stringEnd(line, at);
    const name = decodeText(unescape(line, at, nameEnd));
    if (members.has(name)) throw new JsonProblem(`Member ${JSON.stringify(name)} stands twice in the record.`, at);
    if (members.size === columnLimit) throw new JsonProblem(`The record has more than ${columnLimit} members.`, at);
    const valueFrom = skipSpace(line, skipSpace(line, nameEnd) + 1);
    const valueTo = valueEnd(line, valueFrom);
    members.set(name, readValue(line, valueFrom, valueTo));
    at = skipSpace(line, valueTo);
    if (line.charAt(at) === ',') at = skipSpace(line, at + 1);
  }
  return members;
}

function readValue(line: string, from: number, to: number): Cell {
  if (to - from > fieldLimitBytes + 2) throw new JsonProblem(`A value is longer than ${fieldLimitBytes} bytes.`, from);
  const first = line.charAt(from);
  if (first === '"') return unescape(line, from, to);
  if (first === '{' || first === '[') return { json: line.slice(from, to) };
  return first === 'n' ? null : line.slice(from, to);
}

/** The text of the JSON string at `from` to `to`, quotes included, still one byte a character. */
function unescape(line: string, from: number, to: number): string {
  const raw = line.slice(from + 1, to - 1);
  if (!raw.includes('\\')) return raw;
  const text = JSON.parse(`"${decodeText(raw)}"`) as string;
  if (/\p{Surrogate}/u.test(text)) throw new JsonProblem('A text holds half of a surrogate pair.', from);
  return encodeText(text);
}

function skipSpace(line: string, from: number): number {
  let at = from;
  for (;;) {
    const code = line.charCodeAt(at);
    if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return at;
    at += 1;
  }
}

/** Behind the closing quote of the string that opens at `from`. */
function stringEnd(line: string, from: number): number {
  let close = line.indexOf('"', from + 1);
  while (isEscaped(line, close)) close = line.indexOf('"', close + 1);
  return close + 1;
}

function isEscaped(line: string, at: number): boolean {
  let backslashes = 0;
  while (line.charCodeAt(at - 1 - backslashes) === 92) backslashes += 1;
  return backslashes % 2 === 1;
}

function valueEnd(line: string, from: number): number {
  const first = line.charAt(from);
  if (first === '"') return stringEnd(line, from);
  if (first === '{' || first === '[') return nestedEnd(line, from);
  let at = from;
  while (!' \t\r\n,}'.includes(line.charAt(at))) at += 1;
  return at;
}

function nestedEnd(line: string, from: number): number {
  let depth = 1; // the record itself
  let at = from;
  do {
    const character = line.charAt(at);
    if (character === '"') {
      at = stringEnd(line, at);
      continue;
    }
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    if (depth > nestingLimit) throw new JsonProblem(`The record is nested more than ${nestingLimit} levels deep.`, at);
    at += 1;
  } while (depth > 1);
  return at;
}
