import { Readable } from 'node:stream';
import type { LaneDeps } from '../../../src/activities/lane-deps.ts';
import { noRepeatedKeys } from '../../../src/activities/repeated-keys.ts';
import type { RunPlan } from '../../../src/activities/run-plan.ts';
import { createSendRows } from '../../../src/activities/send-rows.ts';
import type { Client } from '../../../src/dataverse/client.ts';
import type { ClientRequest, Sent } from '../../../src/dataverse/client-request.ts';
import type { SendLog } from '../../../src/dataverse/send-log.ts';
import type { Answer } from '../../../src/dataverse/send.ts';
import { createServerClock } from '../../../src/dataverse/server-clock.ts';
import { createTableMemory } from '../../../src/dataverse/table-memory.ts';
import { RowMembers } from '../../../src/mapping/row-members.ts';
import type { LaneReport } from '../../../src/plan/lane.ts';
import type { OrderedWait } from '../../../src/plan/ordered-wait.ts';
import type { Operation } from '../../../src/plan/outcome.ts';
import { foldParts } from '../../../src/plan/report.ts';
import { accountSpec } from '../../support/spec.ts';
import type { Stretch } from '../../../src/plan/stretch.ts';
import { createSliceIndex } from '../../../src/source/slice-index.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';

const sliceRows = 10;
const rowsPerRequest = 4;
/** Rows are lines `n`; a line with `x` cannot be mapped. */
const lineOf = (row: number, bad: ReadonlySet<number>): string =>
  `${String(row).padStart(3, '0')}${bad.has(row) ? 'x' : ' '}\n`;
const lineBytes = 5;

export interface Scene {
  readonly ledger: MemoryLedger;
  readonly send: (stretches: readonly Stretch[], more?: { readonly alone?: true }) => Promise<LaneReport>;
  /** Numbers of the rows in each request. */
  readonly requests: number[][];
  /** Wake those who look from time to time whether the run was stopped. */
  readonly ticks: (() => void)[];
  /** Waits that were noted for other hosts. */
  readonly ordered: OrderedWait[];
  nowMs: number;
  sleptMs: number;
}

export interface SceneOptions {
  readonly rowCount?: number;
  readonly bad?: readonly number[];
  readonly ledger?: MemoryLedger;
  readonly operation?: Operation;
  /** Whether the run makes the ids of created rows. */
  readonly madeIds?: boolean;
  /** What a read of the source meets: an error, or nothing for ever. */
  readonly sourceError?: Error | Promise<never>;
  /** Called before each request is answered. */
  readonly before?: (
    rows: readonly number[],
    scene: Scene,
    log: SendLog | undefined,
    signal: AbortSignal | undefined,
  ) => void | Promise<void>;
  readonly duty?: number;
  readonly mostRejected?: number;
  /** What reading the waits of other hosts takes. */
  readonly recallWaits?: () => Promise<void>;
}

export function createScene({
  rowCount = 30,
  bad = [],
  ledger = createMemoryLedger(),
  operation = 'upsert',
  madeIds = false,
  sourceError,
  before,
  duty = 1,
  mostRejected,
  recallWaits = async () => undefined,
}: SceneOptions = {}): Scene {
  const spec = accountSpec(operation);
  const badRows = new Set(bad);
  const bytes = Buffer.from(Array.from({ length: rowCount }, (_, at) => lineOf(at + 1, badRows)).join(''));
  const pin = { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: bytes.length };
  const boundaries = Array.from({ length: Math.ceil(rowCount / sliceRows) }, (_, at) => ({
    firstRow: at * sliceRows + 1,
    from: at * sliceRows * lineBytes,
  }));
  const scene: Scene = {
    ledger,
    requests: [],
    ticks: [],
    ordered: [],
    nowMs: 0,
    sleptMs: 0,
    send: (stretches, more = {}) =>
      sendRows({
        ...more,
        runId: 'r',
        wave: 0,
        stretches,
        boxEndsAt: new Date(60_000).toISOString(),
        rowsPerRequest,
        duty,
        dopHint: 4,
        ...(mostRejected === undefined ? {} : { mostRejected }),
      }),
  };
  const plan: RunPlan = {
    format: { kind: 'csv', delimiter: ',' },
    head: { columns: ['n'], dataFrom: 0 },
    table: {
      logicalName: 'account',
      entitySetName: 'accounts',
      primaryIdColumn: 'accountid',
      tableType: 'Standard',
      bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: false },
    },
    mapping: {
      operation,
      empty: 'null',
      extraMembers: 'reject',
      members: [],
      key: madeIds ? { kind: 'made', prefix: 'p' } : { kind: 'id', source: 0, column: 'accountid' },
    },
    manifest: { runId: 'r', spec, pin, createdAt: '2026-01-01T00:00:00Z' },
    rows: pin,
    sha256: '',
    repeated: noRepeatedKeys,
    index: createSliceIndex([...boundaries, { firstRow: rowCount + 1, from: bytes.length }]),
    encode: (row) => {
      if (badRows.has(row.row)) return { class: 'mapping', code: 'mapping.test', message: `row ${row.row}` };
      return {
        row: row.row,
        from: row.from,
        to: row.to,
        members: RowMembers.of('"a":1'),
        key: { kind: 'id', id: `id-${row.row}` },
      };
    },
  };
  const clock = {
    now: () => scene.nowMs,
    sleep: async (ms: number, signal?: AbortSignal) => {
      // Whoever can be woken waits for `tick`.
      if (signal !== undefined) return new Promise<void>((wake) => scene.ticks.push(wake));
      scene.sleptMs += ms;
      scene.nowMs += ms;
    },
  };
  const client: Client = {
    clock,
    origin: 'https://contoso.crm4.dynamics.com',
    senderCount: 1,
    tables: createTableMemory(),
    serverClock: createServerClock(),
    async send<T>(request: ClientRequest<T>): Promise<Sent<T>> {
      const rows = [...(request.body?.toString() ?? '').matchAll(/"id-(\d+)"/g)].map((match) => Number(match[1]));
      scene.requests.push(rows);
      if (request.log !== undefined) request.log.requests += 1;
      await before?.(rows, scene, request.log, request.signal);
      return {
        value: request.read(answerOf(operation, rows), () => 0),
        attempts: 1,
        maybeCommittedBefore: false,
        ms: 100,
      };
    },
    pinnedBy: () => client,
    keepWait: () => undefined,
  };
  const deps: LaneDeps = {
    ledger,
    source: {
      pin: async () => pin,
      stream: async () => Readable.from([bytes]),
      read: async (_pin, from, to) => {
        if (sourceError instanceof Error) throw sourceError;
        await sourceError;
        return bytes.subarray(from, to);
      },
    },
    clientOf: () => client,
    planOf: async () => plan,
    stopOf: () => ledger.readStop('r'),
    live: { add: () => undefined, ordered: (_runId, _wave, wait) => void scene.ordered.push(wait) },
    recallWaits,
    clock,
  };
  const sendRows = createSendRows(deps);
  return scene;
}

/** CreateMultiple answers with the ids, the other bulk messages with nothing. */
const answerOf = (operation: Operation, rows: readonly number[]): Answer => ({
  status: operation === 'create' ? 200 : 204,
  header: () => undefined,
  headerList: () => undefined,
  body: operation === 'create' ? JSON.stringify({ Ids: rows.map((row) => `id-${row}`) }) : '',
});

export const booksOf = (ledger: MemoryLedger, rowCount: number) =>
  foldParts(
    [...ledger.run('r').parts.values()]
      .map((part) => ({ ...part }))
      .toSorted((left, right) => left.firstRow - right.firstRow),
    rowCount,
  );
