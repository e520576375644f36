/** A JSON object whose fields are not known yet. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text, or undefined if it is none. */
export function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** JSON text of any value; what JSON cannot express (undefined, functions) becomes `null`. */
export function toJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

/** `JSON.stringify` with its true type: it gives undefined for what JSON cannot express. */
const stringify = (value: unknown): string | undefined => JSON.stringify(value);
