import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite, type StoragePorts } from './azurite.ts';
import { startChild, type Child, type ChildWatch } from './child.ts';
import { appSettings, inheritedEnvironment } from './local-environment.ts';

export interface LocalStackOptions {
  /** Folder for everything that survives: `azurite`, `emulator` and `host` below it. Absolute. */
  readonly dir: string;
  /** Folder of the app; absent: this checkout. */
  readonly appDir?: string;
  /** Profile of the emulator. */
  readonly profile: string;
  /** Schemas of custom tables, for the emulator. */
  readonly schemaFiles: readonly string[];
  /** 0 or absent = any free port. */
  readonly ports?: Partial<StackPorts>;
  /** App settings beyond (or instead of) those the stack itself gives the host; as a function, once it is known where the services are. */
  readonly env?: Readonly<Record<string, string>> | ((services: StackServices) => Promise<Record<string, string>>);
  /** Receives each line the children write, and the child's name. */
  readonly onLine?: (name: string, line: string) => void;
  /** Gives up starting, and ends what was started; a stack that is ready is ended by `stop`. */
  readonly signal?: AbortSignal;
}

/** What the app is to be told of. */
export type StackServices = Pick<LocalStack, 'emulatorUrl' | 'blobUrl' | 'storageConnectionString'>;

export interface StackPorts extends StoragePorts {
  readonly emulator: number;
  readonly host: number;
}

/** The host of the function app, which a test may kill and start again. */
export interface HostProcess {
  /** Stays the same over restarts. */
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** `SIGKILL` ends it as a crash would; `SIGTERM` asks, and insists after a while. Done when it has ended. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it on the same port and data; done when it is ready. */
  restart(): Promise<void>;
}

export interface LocalStack {
  /** Where the app answers. */
  readonly url: string;
  readonly emulatorUrl: string;
  /** Blob endpoint, account included. */
  readonly blobUrl: string;
  readonly storageConnectionString: string;
  readonly hostProcess: HostProcess;
  /**
   * Settles when a child ends that nobody ended, with a sentence that says which and how. A host ended through
   * `hostProcess` does not count.
   */
  readonly broken: Promise<string>;
  /** Ends every child: first the host, then what it uses. */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Starts Azurite, the Dataverse emulator and the function host with the built app, each on loopback and ready when this
 * is done. When one does not start, those that did are ended. Children also end when this process is killed (end-with-parent.ts).
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const children: Child[] = [];
  const stop = async () => {
    // One after the other, the newest first: the host writes to the storage until it ends.
    for (const child of children.toReversed()) await child.stop();
  };
  try {
    return await startAll(options, children, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAll(options: LocalStackOptions, children: Child[], stop: () => Promise<void>): Promise<LocalStack> {
  const { dir, ports = {} } = options;
  const env = inheritedEnvironment(process.env);
  const watchOf = (name: string): ChildWatch => ({
    onLine: (line) => options.onLine?.(name, line),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let isStopping = false;
  let reportBroken: (sentence: string) => void;
  const broken = new Promise<string>((resolve) => (reportBroken = resolve));
  const watch = (child: Child, isExpected: () => boolean = () => false) => {
    void child.ended.then((how) => {
      if (!isStopping && !isExpected()) reportBroken(how);
    });
  };

  const location = await subfolder(dir, 'azurite');
  const storagePorts = { blob: ports.blob ?? 0, queue: ports.queue ?? 0, table: ports.table ?? 0 };
  const azurite = await startAzurite({ location, env, ports: storagePorts, watch: watchOf('azurite') });
  children.push(azurite.child);
  watch(azurite.child);

  await makeContainers(azurite.connectionString);

  const emulator = await startEmulator(options, env, watchOf('emulator'));
  children.push(emulator);
  watch(emulator);

  const services: StackServices = {
    emulatorUrl: emulator.ready,
    blobUrl: azurite.blobUrl,
    storageConnectionString: azurite.connectionString,
  };
  const hostEnv = {
    ...env,
    ...appSettings(azurite.connectionString, emulator.ready),
    ...(typeof options.env === 'function' ? await options.env(services) : options.env),
  };
  const data = await subfolder(dir, 'host');
  const appDir = options.appDir ?? root;
  const startHostOn = (port: number) => startHost({ appDir, port, data, env: hostEnv, ...watchOf('host') });
  const host = await startHostOn(ports.host ?? 0);
  const hostIndex = children.push(host) - 1;
  const hostProcess = restartable(host, startHostOn, (next, isExpected) => {
    children[hostIndex] = next;
    watch(next, isExpected);
  });
  return {
    ...services,
    url: host.ready,
    hostProcess,
    broken,
    stop: async () => {
      isStopping = true;
      await stop();
    },
  };
}

/** Those that people put something into (in Azure, infra makes them). */
async function makeContainers(connectionString: string): Promise<void> {
  const storage = BlobServiceClient.fromConnectionString(connectionString);
  const names = ['sources', 'fanout-syncs'];
  await Promise.all(names.map((name) => storage.getContainerClient(name).createIfNotExists()));
}

function restartable(
  first: Child,
  start: (port: number) => Promise<Child>,
  adopt: (child: Child, isExpected: () => boolean) => void,
): HostProcess {
  const ordered = new Set<Child>();
  let current = first;
  const port = Number(new URL(first.ready).port);
  adopt(first, () => ordered.has(first));
  const kill = async (signal: 'SIGKILL' | 'SIGTERM') => {
    ordered.add(current);
    await (signal === 'SIGKILL' ? current.kill() : current.stop());
  };
  return {
    url: first.ready,
    get pid() {
      return current.pid;
    },
    kill,
    async restart() {
      await kill('SIGTERM');
      const next = await start(port);
      current = next;
      adopt(next, () => ordered.has(next));
    },
  };
}

async function startEmulator(
  { dir, profile, schemaFiles, ports }: LocalStackOptions,
  env: NodeJS.ProcessEnv,
  watch: ChildWatch,
): Promise<Child> {
  return startChild({
    name: 'dataverse-emulator',
    script: join(root, 'packages/dataverse-emulator/bin/dataverse-emulator.js'),
    args: [
      ...['--port', String(ports?.emulator ?? 0), '--profile', profile],
      ...['--data', await subfolder(dir, 'emulator')],
      ...schemaFiles.flatMap((file) => ['--schema', file]),
    ],
    env,
    readyWhen: readyUrl('dataverse-emulator'),
    ...watch,
  });
}

interface HostOptions extends ChildWatch {
  readonly appDir: string;
  readonly port: number;
  readonly data: string;
  readonly env: NodeJS.ProcessEnv;
}

function startHost({ appDir, port, data, ...rest }: HostOptions): Promise<Child> {
  return startChild({
    name: 'functions-host',
    script: join(root, 'packages/functions-host/bin/functions-host.js'),
    args: [appDir, '--port', String(port), '--data', data],
    readyWhen: readyUrl('functions-host'),
    ...rest,
  });
}

function readyUrl(program: string): (line: string) => string | undefined {
  const beginning = `${program} ready at `;
  return (line) => (line.startsWith(beginning) ? line.slice(beginning.length).trim() : undefined);
}

async function subfolder(dir: string, name: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(path, { recursive: true });
  return path;
}
