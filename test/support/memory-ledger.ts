import { Buffer } from 'node:buffer';
import type { Seen } from '../../src/ledger/blobs.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { SyncRecord } from '../../src/ledger/lasting.ts';
import type { Intents, StopMark } from '../../src/ledger/marks.ts';
import type { Manifest } from '../../src/ledger/run-files.ts';
import type { Spool } from '../../src/ledger/spool.ts';
import type { LifeMark } from '../../src/plan/poison.ts';
import type { LiveTally } from '../../src/plan/progress.ts';
import type { Part, PartEntry } from '../../src/ledger/parts.ts';
import type { StoredCost } from '../../src/plan/estimate.ts';
import type { JobPlan } from '../../src/plan/plan-job.ts';
import type { Report } from '../../src/plan/report.ts';

/** What the ledger holds of one run. */
export interface MemoryRun {
  manifest?: Manifest;
  mapping?: string;
  index?: { readonly bytes: Buffer; readonly sha256: string };
  repeated?: Buffer;
  spool?: Spool;
  plan?: JobPlan;
  report?: Report;
  stop?: StopMark;
  isPaused?: boolean;
  failures: readonly string[];
  readonly parts: Map<number, Part>;
  readonly begun: Set<number>;
  readonly contested: Set<number>;
  /** Marks of rows that were due again. */
  readonly dueMarks: Set<string>;
  readonly untouched: Set<number>;
  /** Lives that were counted, by what they were and the row. */
  readonly lives: Map<string, number>;
  readonly children: Set<string>;
  readonly live: Map<string, LiveTally>;
}

/** A ledger in memory that keeps the promises of the one in blob storage: what is written once stays as its first writer wrote it. */
export interface MemoryLedger extends Ledger {
  readonly runs: ReadonlyMap<string, MemoryRun>;
  readonly run: (runId: string) => MemoryRun;
  /** Rows of spooled files, by blob name. */
  readonly spooled: ReadonlyMap<string, Buffer>;
}

const entryOf = (part: Part): PartEntry => ({ ...part, exceptionCount: part.exceptions.length });

/** What a stored blob gives back is never the object that was written. */
const copy = <T>(value: T): T => structuredClone(value);

function marksOf(run: MemoryRun, kind: 'begun' | 'contested', row: number, dueAt?: string): [Set<unknown>, unknown] {
  return dueAt === undefined ? [run[kind], row] : [run.dueMarks, `${kind} ${row} ${dueAt}`];
}

const lifeKey = ({ of, firstRow, dueAt }: LifeMark): string =>
  [of, firstRow, ...(dueAt === undefined ? [] : [dueAt])].join(' ');

export function createMemoryLedger(): MemoryLedger {
  const runs = new Map<string, MemoryRun>();
  const syncs = new Map<string, Seen<SyncRecord>>();
  const spooled = new Map<string, Buffer>();
  const costs = new Map<string, StoredCost>();
  const run = (runId: string): MemoryRun => {
    const known = runs.get(runId);
    if (known !== undefined) return known;
    const fresh: MemoryRun = {
      failures: [],
      parts: new Map(),
      begun: new Set(),
      contested: new Set(),
      dueMarks: new Set(),
      untouched: new Set(),
      lives: new Map(),
      children: new Set(),
      live: new Map(),
    };
    runs.set(runId, fresh);
    return fresh;
  };
  return {
    runs,
    run,
    spooled,
    async accept(manifest) {
      run(manifest.runId).manifest ??= copy(manifest);
      return copy(run(manifest.runId).manifest!);
    },
    manifest: async (runId) => copy(run(runId).manifest),
    recentRuns: async () => [...runs.keys()].toReversed(),
    async writeMapping(runId, mapping) {
      run(runId).mapping = JSON.stringify(mapping);
    },
    async readMapping<T>(runId: string) {
      const { mapping } = run(runId);
      return mapping === undefined ? undefined : (JSON.parse(mapping) as T);
    },
    async writeIndex(runId, bytes, sha256) {
      run(runId).index = { bytes: Buffer.from(bytes), sha256 };
    },
    readIndex: async (runId) => run(runId).index,
    async writeRepeatedKeys(runId, bytes) {
      run(runId).repeated = Buffer.from(bytes);
    },
    readRepeatedKeys: async (runId) => run(runId).repeated,
    async writeSpool(runId, spool, rows, rowMap) {
      const chunks: Buffer[] = [];
      for await (const chunk of rows) chunks.push(chunk);
      const blob = `${runId}/spool.rows`;
      if (!spooled.has(blob)) spooled.set(blob, Buffer.concat(chunks));
      const bytes = spooled.get(blob)!.length;
      run(runId).spool ??= { ...spool, pin: { container: 'runs', blob, etag: '"1"', bytes }, rowMap: rowMap() };
    },
    readSpool: async (runId) => run(runId).spool,
    async addChild(runId, childId) {
      run(runId).children.add(childId);
    },
    children: async (runId) => [...run(runId).children],
    async commitPart(runId, part) {
      const { parts } = run(runId);
      const winner = parts.get(part.firstRow);
      if (winner === undefined) parts.set(part.firstRow, copy(part));
      return { first: winner === undefined, part: copy(winner ?? part) };
    },
    findPart: async (runId, firstRow) => copy(run(runId).parts.get(firstRow)),
    async *listParts(runId) {
      for (const part of [...run(runId).parts.values()].toSorted((left, right) => left.firstRow - right.firstRow))
        yield entryOf(part);
    },
    async readPart(runId, firstRow) {
      const part = run(runId).parts.get(firstRow);
      if (part === undefined) throw new Error(`There is no part ${firstRow}.`);
      return copy(part);
    },
    async markIntent(runId, firstRow, dueAt) {
      const [marks, mark] = marksOf(run(runId), 'begun', firstRow, dueAt);
      const first = !marks.has(mark);
      marks.add(mark);
      return first;
    },
    async countLife(runId, mark, most) {
      const { lives } = run(runId);
      const life = (lives.get(lifeKey(mark)) ?? (mark.of === 'lane' ? 1 : 0)) + 1;
      if (life <= most) lives.set(lifeKey(mark), life);
      return life;
    },
    async forgetLives(runId, mark) {
      run(runId).lives.delete(lifeKey(mark));
    },
    async markContested(runId, sliceFirstRow, dueAt) {
      const [marks, mark] = marksOf(run(runId), 'contested', sliceFirstRow, dueAt);
      marks.add(mark);
    },
    async isContested(runId, sliceFirstRow, dueAt) {
      const [marks, mark] = marksOf(run(runId), 'contested', sliceFirstRow, dueAt);
      return marks.has(mark);
    },
    async markUntouched(runId, firstRow) {
      run(runId).untouched.add(firstRow);
    },
    claimUntouched: async (runId, firstRow) => run(runId).untouched.delete(firstRow),
    readIntents: async (runId): Promise<Intents> => {
      const { begun, contested, untouched, lives } = run(runId);
      const ofLanes = [...lives].flatMap(([key, count]) => {
        const [of, row] = key.split(' ');
        return of === 'lane' ? [[Number(row), count] as const] : [];
      });
      return { begun, contested, untouched, lives: new Map(ofLanes) };
    },
    async writeLive(runId, hostInstance, tally) {
      run(runId).live.set(hostInstance, tally);
    },
    readLive: async (runId) => [...run(runId).live.values()],
    async cancel(runId) {
      run(runId).stop = 'cancelled';
    },
    readStop: async (runId) => run(runId).stop,
    async setPaused(runId, paused) {
      const entry = run(runId);
      const wasPaused = entry.isPaused === true;
      entry.isPaused = paused === 'paused';
      if (paused === 'paused') entry.stop ??= 'paused';
      else if (entry.stop === 'paused') delete entry.stop;
      return wasPaused;
    },
    async writeFailures(runId, parts, sheet) {
      const lines: string[] = [];
      for (const { firstRow } of parts) {
        const { exceptions } = run(runId).parts.get(firstRow)!;
        const failed = exceptions.filter(
          ({ outcome, reason }) => outcome === 'rejected' || outcome === 'unknown' || reason === 'poison',
        );
        lines.push(...failed.map((line) => JSON.stringify(line)));
        if (failed.length > 0) await sheet.linesOf(failed);
      }
      run(runId).failures = lines;
      return [];
    },
    readFailures: async () => undefined,
    readSync: async (sync) => copy(syncs.get(sync)),
    async writeSync(sync, record, seen) {
      const stored = syncs.get(sync);
      if (stored?.etag !== seen?.etag) return false;
      syncs.set(sync, { value: copy(record), etag: String(Number(stored?.etag ?? 0) + 1) });
      return true;
    },
    async writePlan(runId, plan) {
      run(runId).plan ??= copy(plan);
    },
    readPlan: async (runId) => copy(run(runId).plan),
    async writeReport(report) {
      return copy((run(report.runId).report ??= copy(report)));
    },
    readReport: async (runId) => copy(run(runId).report),
    writeCost: async (key, cost) => void costs.set(JSON.stringify(key), copy(cost)),
    readCost: async ({ connection, table, operation }) =>
      copy(costs.get(JSON.stringify({ connection, table, operation }))),
  };
}
