/** Whether a time the service told is at or behind `since` (ISO 8601). It tells times in whole seconds. */
export function isSince(at: unknown, since: string | undefined): boolean {
  if (typeof at !== 'string' || since === undefined) return false;
  return Date.parse(at) >= Math.floor(Date.parse(since) / 1_000) * 1_000;
}
