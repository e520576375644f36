/** A named Dataverse environment of the app's settings, under one or more identities. */
export interface Connection {
  readonly name: string;
  /** Origin of the environment, for example `https://contoso.crm4.dynamics.com`. */
  readonly url: string;
  /**
   * Client ids of user-assigned managed identities, each an application user of the environment; none means the identity the platform gives.
   * Service protection limits are per user, so that several carry more.
   */
  readonly clientIds: readonly string[];
  /** Cap on requests in flight under this connection, whatever the environment recommends. */
  readonly maxDop?: number;
  /** The governor may go beyond the environment's recommendation to look for the ceiling. */
  readonly beyondHint?: boolean;
  /** `auto`: lanes may stay on the server that the environment gives them, where that proves better; absent: any server. */
  readonly serverAffinity?: 'off' | 'auto';
  /** Lets plain http through for this machine only. */
  readonly allowLoopbackHttp: boolean;
}

/** Both hosts of an environment, with `.api` and without, are one environment; limits and links know no difference. */
export function environmentOf(origin: string): string {
  return origin.replace(/^(https?:\/\/[^./]+)\.api\./, '$1.');
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);

export type ConnectionUrlCheck =
  { readonly ok: true; readonly origin: string } | { readonly ok: false; readonly fault: string };

/**
 * Accepts the origin of an environment: https on its own port, nothing behind the host. Plain http, with any port, is accepted for
 * loopback hosts only and only on request. The fault says what is wrong and never repeats user information.
 */
export function checkConnectionUrl(url: string, options: { readonly allowLoopbackHttp: boolean }): ConnectionUrlCheck {
  if (!URL.canParse(url)) return { ok: false, fault: 'is not a URL' };
  const { protocol, hostname, port, username, password, pathname, search, hash, origin } = new URL(url);
  const loopback = protocol === 'http:' && loopbackHosts.has(hostname) && options.allowLoopbackHttp;
  if (protocol !== 'https:' && !loopback) return { ok: false, fault: `must start with https:, not ${protocol}` };
  if (username !== '' || password !== '') return { ok: false, fault: 'must not carry a user name or password' };
  if (port !== '' && !loopback) return { ok: false, fault: `must not name a port (${port})` };
  if (pathname !== '/' || search !== '' || hash !== '' || /[?#]/.test(url)) {
    return { ok: false, fault: 'must end after the host name' };
  }
  return { ok: true, origin };
}
