import { MalformedAnswerError } from './errors.ts';

/** A whole JSON object, or `MalformedAnswerError`: an answer that was cut short is no answer. */
export function readJsonObject(body: string): Record<string, unknown> {
  try {
    const value = asObject(JSON.parse(body));
    if (value !== undefined) return value;
  } catch {
    // Told below, for every form alike.
  }
  throw new MalformedAnswerError('The answer is not a whole JSON object.');
}

/** The value where it is a JSON object, which a list is not. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}

/** The `value` array of a collection answer. */
export function readJsonList(body: string): readonly unknown[] {
  const { value } = readJsonObject(body);
  if (!Array.isArray(value)) throw new MalformedAnswerError('The answer holds no list.');
  return value;
}
