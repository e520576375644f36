import { defaultClientId } from 'dataverse-emulator';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAgent } from '../../../src/dataverse/agent.ts';
import { createClient } from '../../../src/dataverse/client.ts';
import { systemClock } from '../../../src/dataverse/clock.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import { createCredential } from '../../../src/dataverse/credentials.ts';
import { createTokenSource } from '../../../src/dataverse/tokens.ts';
import { whoAmI } from '../../../src/dataverse/who-am-i.ts';
import { close, openEnvironment, type Environment } from './support.ts';

let environment: Environment;

// One emulator for all: the identity library reads the endpoint once in a process.
beforeAll(async () => {
  environment = await openEnvironment();
  vi.stubEnv('IDENTITY_ENDPOINT', `${environment.emulator.url}/msi/token`);
  vi.stubEnv('IDENTITY_HEADER', 'test');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await close(environment);
});

describe('the managed identity of the platform', () => {
  it.each([undefined, defaultClientId])('opens the environment (client id %s)', async (clientId) => {
    const { url } = environment.emulator;
    const dispatcher = createAgent({ connections: 1 });
    const client = createClient({
      connection: { name: 'test', url, clientIds: [], allowLoopbackHttp: true },
      senders: [
        {
          tokens: createTokenSource({
            credential: createCredential({ clientId, managedIdentity: true }),
            origin: url,
            clock: systemClock,
          }),
          gates: createIdentityGates({ clock: systemClock }),
        },
      ],
      dispatcher,
      clock: systemClock,
      random: Math.random,
    });
    const identity = await whoAmI(client);
    expect(identity).toEqual(await whoAmI(environment.client));
    // The library's cache still has the token; only the endpoint can give another.
    environment.emulator.revokeTokens();
    expect(await whoAmI(client)).toEqual(identity);
    await dispatcher.close();
  });
});
