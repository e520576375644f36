import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startHost } from 'functions-host';
import type { Host, HostOptions } from 'functions-host';

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const bin = fileURLToPath(new URL('../../bin/functions-host.js', import.meta.url));

export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'functions-host-'));
export const removeDirectory = (path: string): void => rmSync(path, { recursive: true, force: true });

/** A host in this process on a data directory of its own, with everything it logged. */
export interface TestHost extends Host {
  readonly log: string[];
}

export async function startTestHost(app: string, options: Partial<HostOptions> = {}): Promise<TestHost> {
  const dataDir = options.dataDir ?? temporaryDirectory();
  const log: string[] = [];
  const host = await startHost({
    appDir: fixture(app),
    port: 0,
    dataDir,
    writeLog: (line) => log.push(line),
    ...options,
  });
  const close = async () => {
    await host.close();
    if (options.dataDir === undefined) removeDirectory(dataDir);
  };
  return { ...host, log, close };
}

export interface Status {
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly customStatus: unknown;
  readonly historyEvents?: readonly Record<string, unknown>[];
}

const finished = ['Completed', 'Failed', 'Terminated'];
const patienceMs = 60_000;

/** Asks until the condition holds; fails after a minute. */
export async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Drives the durable fixture app over HTTP, as any client would. */
export class DurableDriver {
  readonly #url: string;
  constructor(url: string) {
    this.#url = url;
  }

  async start(name: string, input?: unknown, instanceId = ''): Promise<string> {
    const path = instanceId === '' ? name : `${name}/${instanceId}`;
    const response = await fetch(`${this.#url}/api/start/${path}`, {
      method: 'POST',
      body: input === undefined ? null : JSON.stringify(input),
    });
    if (response.status !== 202) throw new Error(`start answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  }

  async status(id: string, query = ''): Promise<Status> {
    const response = await fetch(
      `${this.#url}/runtime/webhooks/durabletask/instances/${encodeURIComponent(id)}?${query}`,
    );
    if (response.status !== 200 && response.status !== 202) throw new Error(`status answered ${response.status}`);
    return (await response.json()) as Status;
  }

  async finish(id: string): Promise<Status> {
    return await until(
      () => this.status(id),
      (status) => finished.includes(status.runtimeStatus),
    );
  }

  async run(name: string, input?: unknown): Promise<Status> {
    return await this.finish(await this.start(name, input));
  }

  /** Calls a method of the app's DurableClient; rejects with its error message. */
  async client(method: string, ...args: unknown[]): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/client`, { method: 'POST', body: JSON.stringify({ method, args }) });
    const body = (await response.json()) as { value?: unknown; error?: string };
    if (body.error !== undefined) throw new Error(body.error);
    return body.value;
  }
}

/** The host as a program of its own. */
export interface HostProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly stop: (signal: NodeJS.Signals) => Promise<number | null>;
}

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export async function runProgram(args: readonly string[]): Promise<ProgramResult> {
  const { child, stdout, stderr } = launch(bin, args);
  await once(child, 'close');
  return { code: child.exitCode, stdout: stdout(), stderr: stderr() };
}

/** Starts the program and waits for the line that says it is ready. */
export const startProgram = (args: readonly string[]): Promise<HostProcess> => startScript(bin, args);

/** Starts a script that says like the program when it is ready. */
export async function startScript(path: string, args: readonly string[]): Promise<HostProcess> {
  const { child, stdout, stderr } = launch(path, args);
  await until(
    async () => ({ ready: stdout().includes('\n'), code: child.exitCode }),
    ({ ready, code }) => ready || code !== null,
  );
  const url = /^functions-host ready at (http:\/\/127\.0\.0\.1:\d+)\n$/u.exec(stdout())?.[1];
  if (url === undefined) throw new Error(`the host did not become ready: ${stdout()}${stderr()}`);
  const stop = async (signal: NodeJS.Signals) => {
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
    return child.exitCode;
  };
  return { child, url, stdout, stderr, stop };
}

function launch(path: string, args: readonly string[]) {
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return { child, stdout: () => stdout, stderr: () => stderr };
}
