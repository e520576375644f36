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

/**
 * A managed identity has no way to be asked past its library's own cache, so a refresh after a 401 may bring the same token
 * again; the request is then tried with it once more and fails for good.
 */
export function createTokenSource(options: {
  readonly credential: TokenCredential;
  readonly origin: string;
  readonly clock: Clock;
}): TokenSource {
  const { credential, origin, clock } = options;
  let current: AccessToken | undefined;
  let pending: Promise<AccessToken> | undefined;

  async function ask(): Promise<AccessToken> {
    const token = await credential.getToken(`${origin}/.default`);
    if (token === null) throw new Error('the credential gave no token');
    current = token;
    return token;
  }
  function askOnce(): Promise<AccessToken> {
    pending ??= ask().finally(() => (pending = undefined));
    return pending;
  }
  const leftMs = () => (current === undefined ? 0 : current.expiresOnTimestamp - clock.now());

  return {
    async get() {
      if (current !== undefined && leftMs() >= refreshAheadMs) return current.token;
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
