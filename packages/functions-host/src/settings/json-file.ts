import { readFileSync } from 'node:fs';
import { StartError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';

/** Reads a JSON file with comments and a byte order mark, as the Functions tools allow. Undefined if there is none. */
export function readJsonFile(path: string): JsonObject | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartError(`${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    const parsed: unknown = JSON.parse(withoutComments(content.replace(/^\uFEFF/u, '')));
    if (isObject(parsed)) return parsed;
  } catch (error) {
    throw new StartError(`${path} is not valid JSON: ${(error as Error).message}`);
  }
  throw new StartError(`${path} must hold a JSON object.`);
}

/** Blanks line and block comments outside strings. */
function withoutComments(json: string): string {
  return json.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//gu, (found) =>
    found.startsWith('"') ? found : ' ',
  );
}

export function objectAt(parent: JsonObject, key: string, path: string): JsonObject {
  const value = parent[key] ?? {};
  if (!isObject(value)) throw new StartError(`${path}: "${key}" must be an object.`);
  return value;
}

export function text(parent: JsonObject, key: string, fallback: string, path: string): string {
  const value = parent[key] ?? fallback;
  if (typeof value !== 'string') throw new StartError(`${path}: "${key}" must be text.`);
  return value;
}

export function count(parent: JsonObject, key: string, fallback: number, path: string): number {
  const value = parent[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new StartError(`${path}: "${key}" must be a whole number of at least 1, not ${JSON.stringify(value)}.`);
  }
  return value;
}

export function oneOf<T extends string>(parent: JsonObject, key: string, known: readonly [T, ...T[]], path: string): T {
  const value = parent[key] ?? known[0];
  const found = known.find((one) => typeof value === 'string' && one.toLowerCase() === value.toLowerCase());
  if (found) return found;
  throw new StartError(`${path}: "${key}" must be one of ${known.join(', ')}, not ${JSON.stringify(value)}.`);
}

export function bool(parent: JsonObject, key: string, path: string): boolean {
  const value = parent[key] ?? false;
  if (typeof value === 'boolean') return value;
  throw new StartError(`${path}: "${key}" must be true or false, not ${JSON.stringify(value)}.`);
}
