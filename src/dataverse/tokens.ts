import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import type { AccessToken, TokenCredential } from '@azure/identity';
import type { Clock } from './clock.ts';
import { TransientError } from './errors.ts';

/** Access tokens for one environment and identity. Ask once per attempt: asking is free while the token is fresh. */
export interface TokenSource {
  /** Throws `TransientError` (nothing was sent) when no token can be had. */
  get(): Promise<string>;
  /** A newer token than the one the service refused with 401. Callers that lost the same token share one refresh. */
  refresh(refused: string): Promise<string>;
}

const refreshAheadMs = 5 * 60_000;
/** A request that is accepted with a token that ends on the way is carried out; so much has to be left for it to arrive. */
const leastLeftMs = 30_000;
/** While the old token is still good, an endpoint that fails is left alone for this long. */
const pauseMs = 10_000;
/** The library repeats for more than a minute what the platform's endpoint refuses while it is being set up. */
const longestAskMs = 100_000;

/**
 * A managed identity has no way to be asked past its library's own cache, so a refresh after a 401 may bring the same token
 * again; the request is then tried with it once more and fails for good.
 */
export function createTokenSource(options: {
  readonly credential: TokenCredential;
  readonly origin: string;
  readonly clock: Clock;
  /** How long an answer of the credential is waited for. */
  readonly longestAskMs?: number;
}): TokenSource {
  const { credential, origin, clock } = options;
  let current: AccessToken | undefined;
  let pending: Promise<AccessToken> | undefined;
  let notBeforeMs = 0;

  async function ask(): Promise<AccessToken> {
    const withinMs = options.longestAskMs ?? longestAskMs;
    const token = await inTime(withinMs, (abortSignal) => credential.getToken(`${origin}/.default`, { abortSignal }));
    if (token === null) throw new Error('the credential gave no token');
    current = token;
    return token;
  }
  function askOnce(): Promise<AccessToken> {
    pending ??= ask().finally(() => (pending = undefined));
    return pending;
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
      if (current !== undefined && leftMs() >= leastLeftMs) {
        if (leftMs() < refreshAheadMs) askAhead();
        return current.token;
      }
      try {
        return (await askOnce()).token;
      } catch (cause) {
        // The old token still works while the token endpoint is away.
        if (current !== undefined && leftMs() > 0) return current.token;
        throw noToken(origin, cause);
      }
    },
    async refresh(refused) {
      if (current !== undefined && current.token !== refused) return current.token;
      current = undefined;
      try {
        return (await askOnce()).token;
      } catch (cause) {
        throw noToken(origin, cause);
      }
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

/**
 * The credential of an identity: the platform's managed identity where there is one (the caller knows from
 * `IDENTITY_ENDPOINT`), otherwise what a developer is signed in with.
 */
export function createCredential(options: {
  readonly clientId?: string | undefined;
  readonly managedIdentity: boolean;
}): TokenCredential {
  const { clientId } = options;
  if (options.managedIdentity) {
    return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  }
  return clientId === undefined
    ? new DefaultAzureCredential()
    : new DefaultAzureCredential({ managedIdentityClientId: clientId });
}
