/**
 * Whether a request was sent to a name of this machine. A page of another site can be served under a name that it makes lead here; the browser then
 * takes the host for that site's own, and only the name tells.
 */
export function isToLoopback(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/u.test(host ?? '');
}
