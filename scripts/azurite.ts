import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { startChild, type Child, type ChildWatch } from './child.ts';

export interface AzuriteOptions {
  /** Folder that keeps the blobs, queues and tables. */
  readonly location: string;
  readonly env: NodeJS.ProcessEnv;
  /** 0 = any. */
  readonly ports: StoragePorts;
  readonly watch?: ChildWatch;
}

export interface StoragePorts {
  readonly blob: number;
  readonly queue: number;
  readonly table: number;
}

export interface Azurite {
  readonly child: Child;
  readonly connectionString: string;
  readonly blobUrl: string;
}

/** The account every Azurite knows (learn.microsoft.com/azure/storage/common/storage-connect-azurite, "Well-known storage account and key"). */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const services = ['Blob', 'Queue', 'Table'] as const;
type Service = (typeof services)[number];

/** Starts Azurite, the storage emulator, on loopback. It is ready when all three of its services listen. */
export async function startAzurite({ location, env, ports, watch }: AzuriteOptions): Promise<Azurite> {
  const urls = new Map<Service, string>();
  const host = '127.0.0.1';
  const child = await startChild({
    name: 'Azurite',
    script: join(dirname(createRequire(import.meta.url).resolve('azurite/package.json')), 'dist/src/azurite.js'),
    args: [
      ...['--location', location, '--silent', '--disableTelemetry'],
      // The storage client is often newer than the service versions Azurite lists.
      '--skipApiVersionCheck',
      ...['--blobHost', host, '--queueHost', host, '--tableHost', host],
      ...['--blobPort', String(ports.blob), '--queuePort', String(ports.queue), '--tablePort', String(ports.table)],
    ],
    env,
    ...watch,
    readyWhen: (line) => {
      const [, service, url] = /^Azurite (\w+) service is successfully listening at (\S+)$/.exec(line) ?? [];
      const known = services.find((name) => name === service);
      if (known !== undefined && url !== undefined) urls.set(known, url);
      return urls.size === services.length ? 'listening' : undefined;
    },
  });
  const endpoint = (service: Service) => `${urls.get(service) ?? ''}/${account}`;
  const connectionString = [
    'DefaultEndpointsProtocol=http',
    `AccountName=${account}`,
    `AccountKey=${accountKey}`,
    ...services.map((service) => `${service}Endpoint=${endpoint(service)}`),
  ].join(';');
  return { child, connectionString, blobUrl: endpoint('Blob') };
}
