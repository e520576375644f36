import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApp } from '../../support/app.ts';
import { canary } from './load.ts';
import { startProxy, type Proxy } from './proxy.ts';
import type { Stage } from './run-process-seed.ts';

export interface ProcessStage extends Stage {
  /** I9: what host and task hub have told that they must not. */
  readonly told: () => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

/** The key of Azurite's account, and the beginning of every access token. */
const secrets = ['Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq', 'eyJ', canary] as const;

/** The built app behind proxies: one before blob storage, one before the environment. */
export async function startStage(dir: string): Promise<ProcessStage> {
  const proxies: Proxy[] = [];
  const lines: string[] = [];
  const app = await startApp({
    dir,
    onLine(name, line) {
      if (name === 'host') lines.push(line);
    },
    async env({ storageConnectionString, blobUrl, emulatorUrl }) {
      const storage = await startProxy(new URL(blobUrl).origin);
      // A token is for the environment's own address.
      const environment = await startProxy(emulatorUrl, (url) =>
        url.startsWith('/msi/')
          ? url.replace(encodeURIComponent(environment.url), encodeURIComponent(emulatorUrl))
          : url,
      );
      proxies.push(storage, environment);
      return {
        AzureWebJobsStorage: storageConnectionString.replace(new URL(blobUrl).origin, storage.url),
        Dataverse__main__url: environment.url,
        IDENTITY_ENDPOINT: `${environment.url}/msi/token`,
        FANOUT_SETTLE_SECONDS: '10',
      };
    },
  });
  const [storage, environment] = proxies;
  if (storage === undefined || environment === undefined) throw new Error('The proxies did not start.');
  return {
    app,
    storage,
    environment,
    async told() {
      const texts = new Map([['the log of the host', Buffer.from(lines.join('\n'))]]);
      const folder = join(dir, 'host');
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
        if (entry.isFile()) texts.set(entry.name, await readFile(join(entry.parentPath, entry.name)));
      return [...texts].flatMap(([name, text]) =>
        secrets.filter((secret) => text.includes(secret)).map((secret) => `I9: ${name} tells ${secret.slice(0, 20)}`),
      );
    },
    async stop() {
      await app.stop();
      for (const proxy of proxies) await proxy.close();
    },
  };
}
