/** Whether a time the service told is at or behind a moment of the service's own clock. */
export function isSince(at: unknown, sinceMs: number | undefined): boolean {
  return typeof at === 'string' && sinceMs !== undefined && Date.parse(at) >= sinceMs;
}
