import { defaultClientId, startEmulator, type Emulator, type EmulatorOptions } from '../../src/index.ts';
import { suiteSchema } from './schema.ts';
import { WebApiClient } from './web-api-client.ts';

/** An emulator on any free port with the suite's tables; `fast` unless told. */
export function startSuiteEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return startEmulator({ profile: 'fast', schema: [suiteSchema], ...options });
}

export async function tokenFor(emulator: Emulator, clientId = defaultClientId): Promise<string> {
  const resource = encodeURIComponent(`${emulator.url}/`);
  const response = await fetch(
    `${emulator.url}/msi/token?api-version=2019-08-01&resource=${resource}&client_id=${clientId}`,
    {
      headers: { 'x-identity-header': 'secret' },
    },
  );
  const json = (await response.json()) as { access_token: string };
  return json.access_token;
}

export function clientOf(emulator: Emulator, clientId?: string): WebApiClient {
  let token: Promise<string> | undefined;
  return new WebApiClient({ url: emulator.url, getToken: () => (token ??= tokenFor(emulator, clientId)) });
}
