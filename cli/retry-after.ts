/**
 * Milliseconds a `Retry-After` header asks to wait (RFC 9110 section 10.2.3: seconds or an HTTP date); undefined when it is
 * absent or says nothing sensible.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
