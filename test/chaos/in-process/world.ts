import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { startEmulator, type Emulator, type WireResponse } from 'dataverse-emulator';
import type { Dispatcher } from 'undici';
import { createCloseRun } from '../../../src/activities/close-run.ts';
import { createIndexSource } from '../../../src/activities/index-source.ts';
import type { LaneDeps } from '../../../src/activities/lane-deps.ts';
import { createLiveProgress } from '../../../src/activities/live-progress.ts';
import { createOpenRun } from '../../../src/activities/open-run.ts';
import { createReadBooks } from '../../../src/activities/read-books.ts';
import { createRunPlans } from '../../../src/activities/run-plan.ts';
import { createSendRows } from '../../../src/activities/send-rows.ts';
import { createSettleRun } from '../../../src/activities/settle-run.ts';
import { createSpoolRows } from '../../../src/activities/spool-rows.ts';
import { createStopWatch } from '../../../src/activities/stop-watch.ts';
import { createWaitRecall } from '../../../src/activities/wait-recall.ts';
import { createClient, type Client } from '../../../src/dataverse/client.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import type { BlobSource } from '../../../src/source/blob-source.ts';
import { SourceChangedError } from '../../../src/source/blob-source.ts';
import type { SourcePin } from '../../../src/source/source.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';
import type { Random } from '../random.ts';
import type { Activity } from './driver.ts';
import type { Host, Hosts } from './hosts.ts';
import { canary } from './input.ts';
import { elasticCities, type Poison, type Scenario } from './scenario.ts';
import type { VirtualClock } from './virtual-clock.ts';

const schema = JSON.parse(readFileSync(new URL('../../../samples/geonames/schema.json', import.meta.url), 'utf8')) as {
  readonly tables: readonly [object];
};
/** The sample's table once more as an elastic one, which has no alternate keys. */
const elasticSchema = {
  tables: [
    {
      ...schema.tables[0],
      logicalName: elasticCities.name,
      schemaName: 'fan_ElasticCity',
      entitySetName: 'fan_elasticcities',
      primaryIdColumn: elasticCities.idColumn,
      tableType: 'Elastic',
      changeTracking: false,
      keys: [],
    },
  ],
};

export interface World {
  readonly emulator: Emulator;
  readonly ledger: MemoryLedger;
  readonly pin: SourcePin;
  readonly activities: Readonly<Record<string, Activity>>;
  readonly token: string;
  /** When requests that write were sent. */
  readonly writesAtMs: readonly number[];
  readonly close: () => Promise<void>;
}

export interface WorldParts {
  readonly scenario: Scenario;
  readonly clock: VirtualClock;
  readonly hosts: Hosts;
  readonly random: Random;
  readonly seed: number;
  /** Called for an origin that no connection names. */
  readonly onStranger: (origin: string) => void;
}

/** The app's activities over an emulator, a ledger and a source in memory, all in virtual time. */
export async function createWorld(parts: WorldParts): Promise<World> {
  const { scenario, clock, hosts, seed } = parts;
  const emulator = await startEmulator({
    profile: 'fast',
    schema: [schema, elasticSchema],
    seed,
    clock,
    settings: scenario.settings,
  });
  const token = await tokenOf(emulator);
  const ledger = createMemoryLedger();
  const writesAtMs: number[] = [];
  const startMs = clock.now();
  const pin = {
    container: 'sources',
    blob: 'rows.csv',
    etag: `"${createHash('sha256').update(scenario.csv).digest('hex').slice(0, 8)}"`,
    bytes: scenario.csv.length,
  };
  const depsByHost = new Map<Host, HostDeps>();
  const depsOf = (host: Host): HostDeps => {
    const known =
      depsByHost.get(host) ?? hostDeps({ ...parts, emulator, token, ledger, pin, writesAtMs, startMs }, host);
    depsByHost.set(host, known);
    return known;
  };
  const activity =
    (create: (deps: HostDeps) => (input: never) => Promise<unknown>): Activity =>
    async (host, input) => {
      const output = await create(depsOf(host))(input as never);
      return hosts.at(host, async () => output, 'other');
    };
  return {
    emulator,
    ledger,
    pin,
    token,
    writesAtMs,
    activities: {
      openRun: activity(createOpenRun),
      indexSource: activity(createIndexSource),
      sendRows: activity(createSendRows),
      closeRun: activity(createCloseRun),
      spoolRows: activity(createSpoolRows),
      readBooks: activity(createReadBooks),
      settleRun: activity(createSettleRun),
    },
    close: async () => emulator.close(),
  };
}

type HostDeps = LaneDeps & { readonly now: () => number };

interface HostParts extends WorldParts {
  readonly emulator: Emulator;
  readonly token: string;
  readonly ledger: MemoryLedger;
  readonly pin: SourcePin;
  readonly writesAtMs: number[];
  readonly startMs: number;
}

function hostDeps(parts: HostParts, host: Host): HostDeps {
  const { clock, hosts } = parts;
  const ledger = atHost<Ledger>(parts.ledger, hosts, host);
  const source = atHost<BlobSource>(memorySource(parts, host), hosts, host);
  const own = { now: clock.now, sleep: (ms: number) => hosts.at(host, () => clock.sleep(ms), 'other') };
  const client = clientOf(parts, host, own);
  return {
    ledger,
    source,
    clock: own,
    now: clock.now,
    clientOf: () => client,
    planOf: createRunPlans(ledger),
    stopOf: createStopWatch(ledger, own),
    live: createLiveProgress(ledger, `host ${host.id}`, own),
    recallWaits: createWaitRecall(ledger, own),
  };
}

/** Every call of a port is an await at which the host may die, freeze, or be refused by storage. */
function atHost<Port extends object>(port: Port, hosts: Hosts, host: Host): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      // Listings are read to their end in one go.
      if (typeof member !== 'function' || name === 'listParts') return member;
      return (...args: unknown[]) =>
        hosts.at(host, async () => (member as (...args: unknown[]) => Promise<unknown>)(...args), 'storage');
    },
  });
}

function memorySource({ ledger, pin, scenario, hosts }: HostParts, host: Host): BlobSource {
  const { poison } = scenario;
  const poisonAt = poison?.at === 'read' ? scenario.rows[poison.row - 1] : undefined;
  const bytesOf = (wanted: SourcePin): Buffer => {
    if (wanted.container === 'runs') return ledger.spooled.get(wanted.blob) ?? Buffer.alloc(0);
    if (wanted.etag !== pin.etag) throw new SourceChangedError(wanted, undefined);
    return scenario.csv;
  };
  return {
    pin: async (container, blob) =>
      container === 'runs' ? { container, blob, etag: '"1"', bytes: ledger.spooled.get(blob)?.length ?? 0 } : pin,
    read: async (wanted, from, to) => {
      // The head is read before there are slices.
      const isPoison = poisonAt !== undefined && from > 0 && from <= poisonAt.from && to >= poisonAt.to;
      if (isPoison && hosts.areFaultsOn) await hosts.die(host);
      return Buffer.from(bytesOf(wanted).subarray(from, to));
    },
    stream: async (wanted) => Readable.from([bytesOf(wanted)]),
  };
}

function clientOf(parts: HostParts, host: Host, clock: HostDeps['clock']): Client {
  const { emulator, token, hosts, random, onStranger, writesAtMs } = parts;
  const dispatcher = {
    request: (options: Dispatcher.RequestOptions) => {
      if (String(options.origin) !== emulator.url) onStranger(String(options.origin));
      const send = async () => {
        if (isAway(parts)) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
        const poison = poisonIn(parts, options);
        if (poison === 'send') await hosts.die(host);
        if (isWrite(options)) writesAtMs.push(clock.now());
        const answer = await dispatch(emulator, options, clock);
        return poison === 'answer' ? hosts.die(host) : answer;
      };
      return hosts.at(host, send, 'send');
    },
  };
  return createClient({
    connection: { name: 'main', url: emulator.url, clientIds: [], allowLoopbackHttp: true },
    senders: [
      { tokens: { get: async () => token, refresh: async () => token }, gates: createIdentityGates({ clock }) },
    ],
    dispatcher: dispatcher as unknown as Dispatcher,
    clock,
    random: random.fork(`host ${host.id}`).next,
  });
}

/** Where the row that kills is in the request, and when it does. */
function poisonIn({ scenario, hosts }: HostParts, options: Dispatcher.RequestOptions): Poison['at'] | undefined {
  const { poison } = scenario;
  if (poison === undefined || !hosts.areFaultsOn || !isWrite(options)) return undefined;
  return (options.body as Buffer | null)?.includes(`${canary} ${poison.row},`) === true ? poison.at : undefined;
}

function isAway({ scenario: { outage }, clock, hosts, startMs }: HostParts): boolean {
  if (outage === undefined || !hosts.areFaultsOn) return false;
  const sinceMs = clock.now() - startMs - outage.fromSeconds * 1_000;
  return sinceMs >= 0 && sinceMs < outage.minutes * 60_000;
}

/** A batch of the app holds reads alone, or writes alone. */
const isWrite = ({ method, body }: Dispatcher.RequestOptions): boolean =>
  method !== 'GET' && !(body as Buffer | null)?.includes('\r\nGET ');

async function dispatch(emulator: Emulator, options: Dispatcher.RequestOptions, clock: HostDeps['clock']) {
  const headers = Object.fromEntries(
    Object.entries(options.headers as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const answer = await emulator.handle({
    method: options.method,
    url: options.path,
    headers,
    body: (options.body as Buffer | null)?.toString('utf8') ?? '',
  });
  if (answer.delivery === 'dropped') throw Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  if (answer.delivery === 'slowHeaders' || answer.delivery === 'slowBody') await clock.sleep(answer.delayMs);
  return {
    statusCode: answer.status,
    headers: Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: bodyOf(answer),
  };
}

async function* bodyOf({ body, delivery }: WireResponse): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body);
  if (delivery !== 'cut') {
    yield bytes;
    return;
  }
  yield bytes.subarray(0, bytes.length >>> 1);
  throw Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
}

async function tokenOf(emulator: Emulator): Promise<string> {
  const url = `${emulator.url}/msi/token?api-version=2019-08-01&resource=${encodeURIComponent(emulator.url)}`;
  emulator.changeSettings({ tokenLifetimeSeconds: 86_400 * 7 });
  const answer = await fetch(url, { headers: { 'x-identity-header': 'chaos', connection: 'close' } });
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}
