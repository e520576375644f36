import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { createClient, type Client } from '../../cli/client.ts';
import { followRun } from '../../cli/follow-run.ts';
import type { RunReport, RunView } from '../../cli/api.ts';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../../scripts/local-stack.ts';
import { readTableRows } from '../../scripts/emulator-control.ts';
import { sampleSchemas } from '../../scripts/sample-schemas.ts';

/** The built app on the embedded host, with Azurite and the emulator, in a folder of its own. */
export interface App {
  readonly stack: LocalStack;
  readonly client: Client;
  readonly sources: ContainerClient;
  readonly container: (name: string) => ContainerClient;
  /** Uploads a source; answers the spec's `source`. */
  readonly put: (
    blob: string,
    content: string | Buffer,
  ) => Promise<{ readonly container: string; readonly blob: string }>;
  /** Starts a run and follows it to its end. */
  readonly run: (spec: object) => Promise<Ended>;
  readonly start: (spec: object) => Promise<string>;
  readonly ended: (runId: string) => Promise<Ended>;
  /** Posts to a run (redrive, undo, pause, ...); answers the run that then is to be watched. */
  readonly post: (runId: string, what: string, body?: object) => Promise<string>;
  readonly failuresCsv: (runId: string) => Promise<string>;
  readonly api: (path: string, init?: RequestInit) => Promise<Response>;
  readonly rows: (table: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Committed writes behind a position of the journal; absent: all. */
  readonly journal: (after?: number) => Promise<readonly JournalEntry[]>;
  readonly control: (method: string, path: string, body?: unknown) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export interface Ended {
  readonly view: RunView;
  readonly report: RunReport;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly row: number;
  readonly outcome: string;
  readonly sourceRow?: number;
  readonly from: number;
  readonly to: number;
  readonly key?: string;
  readonly rejection?: { readonly class: string; readonly code: string; readonly message: string };
}

/** One committed write, as the emulator journals it. */
export interface JournalEntry {
  readonly sequence: number;
  readonly table: string;
  readonly operation: 'created' | 'updated' | 'deleted';
  readonly rowId: string;
  readonly key?: string;
  readonly atMs: number;
}

/** `dir` keeps the data of all parts; absent: a folder of its own, gone when stopped. */
export type AppOptions = Partial<Pick<LocalStackOptions, 'profile' | 'env' | 'onLine' | 'appDir' | 'dir'>>;

export async function startApp(options: AppOptions = {}): Promise<App> {
  const { profile = 'fast', env = {}, dir: kept, ...more } = options;
  const dir = kept ?? (await mkdtemp(join(tmpdir(), 'fanout-e2e-')));
  const stack = await startLocalStack({
    dir,
    profile,
    schemaFiles: sampleSchemas,
    env,
    ...more,
  });
  const storage = BlobServiceClient.fromConnectionString(stack.storageConnectionString);
  const sources = storage.getContainerClient('sources');
  const client = createClient({ url: stack.url });
  const api = (path: string, init?: RequestInit) => fetch(new URL(path, stack.url), init);

  const start = async (spec: object) => (await client.startRun(spec, randomUUID())).runId;
  const ended = async (runId: string): Promise<Ended> => {
    let view: RunView | undefined;
    for await (const seen of followRun(client, runId, async () => delay(200))) view = seen;
    if (view === undefined) throw new Error(`Run ${runId} was never seen.`);
    return {
      view,
      report: await client.getReport(runId),
      failures: await lines<Failure>(await api(`/api/runs/${runId}/failures`)),
    };
  };
  return {
    stack,
    client,
    sources,
    container: (name) => storage.getContainerClient(name),
    async put(blob, content) {
      const bytes = Buffer.from(content);
      await sources.getBlockBlobClient(blob).upload(bytes, bytes.length);
      return { container: 'sources', blob };
    },
    start,
    ended,
    run: async (spec) => ended(await start(spec)),
    api,
    async post(runId, what, body = {}) {
      const response = await api(`/api/runs/${runId}/${what}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (response.status !== 202) throw new Error(`${what} answered ${response.status}: ${await response.text()}`);
      return ((await response.json()) as { readonly runId: string }).runId;
    },
    async failuresCsv(runId) {
      const response = await api(`/api/runs/${runId}/failures?format=csv`);
      if (!response.ok) throw new Error(`failures.csv answered ${response.status}.`);
      return response.text();
    },
    async rows(table) {
      const rows = [];
      for await (const row of readTableRows(stack.emulatorUrl, table)) rows.push(row);
      return rows;
    },
    async journal(after = 0) {
      return lines<JournalEntry>(await fetch(`${stack.emulatorUrl}/_emulator/journal?after=${after}&limit=10000000`));
    },
    async control(method, path, body) {
      const response = await fetch(`${stack.emulatorUrl}/_emulator/${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`The emulator answered ${response.status}: ${await response.text()}`);
      return response.json();
    },
    async stop() {
      await stack.stop();
      if (kept === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

async function lines<T>(response: Response): Promise<readonly T[]> {
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}.`);
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** Waits until a condition holds; the bound is there to fail, not to pass. */
export async function until(what: string, condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}.`);
    await delay(50);
  }
}

/** Cities as the sample table takes them. */
export function citiesCsv(
  count: number,
  cityOf: (row: number) => string = (row) => `${row},Stadt "${row}",DE,${row * 3}`,
): string {
  const rows = Array.from({ length: count }, (_, at) => quoteSecond(cityOf(at + 1)));
  return ['fan_geonameid,fan_name,fan_country,fan_population', ...rows, ''].join('\n');
}

function quoteSecond(line: string): string {
  const [id = '', name = '', ...rest] = line.split(',');
  return [id, `"${name.replaceAll('"', '""')}"`, ...rest].join(',');
}

export const cityTarget = { table: 'fan_city', operation: 'upsert', key: ['fan_geonameid'] } as const;
