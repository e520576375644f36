import type { AccessToken } from '@azure/identity';
import type { Clock } from './clock.ts';
import type { Credential } from './credentials.ts';
import { TransientError } from './errors.ts';

/** Access tokens for one environment and identity. Ask once per attempt: asking is free while the token is fresh. */
export interface TokenSource {
  /** Throws `TransientError` (nothing was sent) when no token can be had. */
  get(): Promise<string>;
  /**
   * Another token than the one the service refused with 401, from the authority itself. Callers that lost the same token share one refresh.
   * `claims`: what the service asked for. It may be the same token again, where the authority keeps its tokens.
   */
  refresh(refused: string, claims?: string): Promise<string>;
}

const refreshAheadMs = 5 * 60_000;
/** A request that is accepted with a token that ends on the way is carried out; so much has to be left for it to arrive. */
const leastLeftMs = 30_000;
/** While the old token is still good, an endpoint that fails is left alone for this long. */
const pauseMs = 10_000;
/** The library repeats for more than a minute what the platform's endpoint refuses while it is being set up. */
const longestAskMs = 100_000;

export function createTokenSource(options: {
  readonly credential: Credential;
  readonly origin: string;
  readonly clock: Clock;
  /** How long an answer of the credential is waited for. */
  readonly longestAskMs?: number;
}): TokenSource {
  const { credential, origin, clock } = options;
  const scope = `${origin}/.default`;
  let current: AccessToken | undefined;
  let pending: Promise<AccessToken> | undefined;
  let renewal: Promise<AccessToken> | undefined;
  /** The last token that the service refused; the credential's own cache may have it still. */
  let refused: string | undefined;
  let notBeforeMs = 0;

  async function ask(start: (abortSignal: AbortSignal) => Promise<AccessToken | null>): Promise<AccessToken> {
    const token = await inTime(options.longestAskMs ?? longestAskMs, start);
    if (token === null) throw new Error('the credential gave no token');
    return token;
  }
  function askOnce(): Promise<AccessToken> {
    pending ??= ask((abortSignal) => credential.getToken(scope, { abortSignal }))
      .then((token) => {
        if (token.token !== refused) current = token;
        return token;
      })
      .finally(() => (pending = undefined));
    return pending;
  }
  async function renew(claims?: string): Promise<string> {
    renewal ??= ask((abortSignal) => credential.renew(scope, { abortSignal, claims }))
      .then((token) => (current = token))
      .finally(() => (renewal = undefined));
    try {
      return (await renewal).token;
    } catch (cause) {
      throw noToken(origin, cause);
    }
  }
  /** Nobody waits for it: the token there is still good. */
  function askAhead(): void {
    if (clock.now() < notBeforeMs) return;
    notBeforeMs = clock.now() + pauseMs;
    askOnce().catch(() => undefined);
  }
  const leftMs = () => (current === undefined ? 0 : current.expiresOnTimestamp - clock.now());

  return {
    async get() {
      if (renewal !== undefined) return renew();
      if (current !== undefined && leftMs() >= leastLeftMs) {
        if (leftMs() < refreshAheadMs) askAhead();
        return current.token;
      }
      try {
        const { token } = await askOnce();
        if (token !== refused) return token;
      } catch (cause) {
        // The old token still works while the token endpoint is away.
        if (current !== undefined && leftMs() > 0) return current.token;
        throw noToken(origin, cause);
      }
      return renew();
    },
    async refresh(bad, claims) {
      if (renewal === undefined && current !== undefined && current.token !== bad) return current.token;
      refused = bad;
      current = undefined;
      return renew(claims);
    },
  };
}

/** A credential that never answers must not hold up whoever waits for it; one that answers late changes nothing any more. */
async function inTime<T>(withinMs: number, start: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the credential gave no token within ${withinMs} ms`)), withinMs);
  });
  try {
    return await Promise.race([start(stop.signal), late]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

function noToken(origin: string, cause: unknown): TransientError {
  return new TransientError(`No access token for ${origin}.`, { maybeCommitted: false, cause });
}
