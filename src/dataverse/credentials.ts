import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { ManagedIdentityApplication } from '@azure/msal-node';

/** A credential that can be asked past the caches on this side. */
export interface Credential extends TokenCredential {
  /**
   * A token from the authority itself, for one that the service has refused. `claims`: what the service asks for with its refusal
   * (learn.microsoft.com/entra/identity-platform/claims-challenge).
   */
  renew(scope: string, options: RenewOptions): Promise<AccessToken | null>;
}

export interface RenewOptions {
  readonly abortSignal?: AbortSignal;
  readonly claims?: string | undefined;
}

export interface CredentialOptions {
  readonly clientId?: string | undefined;
  readonly managedIdentity: boolean;
}

/**
 * The credential of an identity: the platform's managed identity where there is one (the caller knows from
 * `IDENTITY_ENDPOINT`), otherwise what a developer is signed in with.
 */
export function createCredential({ clientId, managedIdentity }: CredentialOptions): Credential {
  return managedIdentity ? platformsOwn(clientId) : developers(clientId);
}

/**
 * `ManagedIdentityCredential` answers from a cache that all its instances share, and passes no wish to go past it; the application below it does.
 * The platform's endpoint keeps tokens, too, and may give the same one again.
 */
function platformsOwn(clientId: string | undefined): Credential {
  const credential =
    clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  const ids = clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } };
  return {
    getToken: async (scopes, options) => credential.getToken(scopes, options),
    async renew(scope, { claims }) {
      const application = new ManagedIdentityApplication(ids);
      const past = claims === undefined ? { forceRefresh: true } : { claims };
      const { accessToken, expiresOn } = await application.acquireToken({ resource: scope, ...past });
      return expiresOn === null ? null : { token: accessToken, expiresOnTimestamp: expiresOn.getTime() };
    },
  };
}

/** Each instance has caches of its own: a new one asks anew. */
function developers(clientId: string | undefined): Credential {
  const create = (): DefaultAzureCredential =>
    clientId === undefined
      ? new DefaultAzureCredential()
      : new DefaultAzureCredential({ managedIdentityClientId: clientId });
  let credential = create();
  return {
    getToken: async (scopes, options) => credential.getToken(scopes, options),
    async renew(scope, { abortSignal, claims }) {
      credential = create();
      return credential.getToken(scope, {
        ...(abortSignal === undefined ? {} : { abortSignal }),
        ...(claims === undefined ? {} : { claims }),
      });
    },
  };
}
