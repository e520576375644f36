import { MalformedAnswerError } from './errors.ts';

/** A whole JSON object, or `MalformedAnswerError`: an answer that was cut short is no answer. */
export function readJsonObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below, for every form alike.
  }
  throw new MalformedAnswerError('The answer is not a whole JSON object.');
}

/** The `value` array of a collection answer. */
export function readJsonList(body: string): readonly unknown[] {
  const { value } = readJsonObject(body);
  if (!Array.isArray(value)) throw new MalformedAnswerError('The answer holds no list.');
  return value;
}
