/** The host cannot start: bad arguments, settings, application or data directory. The message says what to change. */
export class StartError extends Error {
  readonly kind = 'start';
}

/** The message of anything that can be thrown. */
export function errorMessage(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === 'string') return thrown;
  return thrown === undefined || thrown === null ? 'Unknown error' : (safeJson(thrown) ?? 'Unknown error');
}

/** The stack of an error, its message where it has none. */
export function errorStack(thrown: unknown): string {
  return thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : errorMessage(thrown);
}

function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
