import { open, type FileHandle } from 'node:fs/promises';
import type { LaneDeps } from '../../src/activities/lane-deps.ts';
import { createLiveProgress } from '../../src/activities/live-progress.ts';
import { createWaitRecall } from '../../src/activities/wait-recall.ts';
import { noRepeatedKeys } from '../../src/activities/repeated-keys.ts';
import type { RunPlan } from '../../src/activities/run-plan.ts';
import { createSendRows } from '../../src/activities/send-rows.ts';
import { createStopWatch } from '../../src/activities/stop-watch.ts';
import { createAgent } from '../../src/dataverse/agent.ts';
import { createClient } from '../../src/dataverse/client.ts';
import { systemClock } from '../../src/dataverse/clock.ts';
import { createIdentityGates } from '../../src/dataverse/identity-gates.ts';
import { writeTargetOf } from '../../src/dataverse/write-rows.ts';
import { compileMapping } from '../../src/mapping/compile-mapping.ts';
import { createRowEncoder } from '../../src/mapping/row-encoder.ts';
import { totalOf } from '../../src/plan/outcome.ts';
import type { BlobSource } from '../../src/source/blob-source.ts';
import { readHead } from '../../src/source/head.ts';
import { createIndexer } from '../../src/source/indexer.ts';
import type { SliceIndex } from '../../src/source/slice-index.ts';
import type { SourceFormat } from '../../src/source/source.ts';
import { createMemoryLedger } from '../../test/support/memory-ledger.ts';
import { accounts, accountSpec } from './accounts.ts';
import type { Job } from './job.ts';

/** Rows of a slice and bytes of one at most, as `indexSource` cuts large files. */
const sliceRows = 1_000;
const sliceBytes = 1024 * 1024;

/**
 * The app's own lanes on a file in place of a blob, with the books kept in memory: all that `sendRows` does but storage. The source is indexed before
 * the clock runs, once a run.
 */
export async function prepareEngine(job: Job): Promise<(rows: number) => Promise<number>> {
  const file = await open(job.file);
  const plan = await planOf(job, file);
  const deps = depsOf(job, plan, file);
  const sendRows = createSendRows(deps);
  let run = 0;
  return async (rows) => {
    run += 1;
    const slices = slicesFor(plan.index, rows);
    const share = Math.ceil(slices / job.lanes);
    const reports = await Promise.all(
      Array.from({ length: job.lanes }, (_, lane) => {
        const [from, to] = [Math.min(slices, lane * share), Math.min(slices, (lane + 1) * share)];
        return sendRows({
          // A run of its own, so that nothing is adopted.
          runId: `run ${run}`,
          wave: 0,
          stretches: from < to ? [{ from, to }] : [],
          boxEndsAt: new Date(Date.now() + 3_600_000).toISOString(),
          rowsPerRequest: job.rowsPerRequest,
          duty: 1,
          dopHint: null,
        });
      }),
    );
    const failed = reports.find(({ end, counts }) => end !== 'done' || totalOf(counts) !== (counts.upserted ?? 0));
    if (failed !== undefined) throw new Error(`A lane did not send all of its rows: ${JSON.stringify(failed)}`);
    return reports.reduce((sum, { counts }) => sum + totalOf(counts), 0);
  };
}

function slicesFor(index: SliceIndex, rows: number): number {
  let slices = 0;
  while (slices < index.sliceCount && index.slice(slices).firstRow <= rows) slices += 1;
  return slices;
}

async function planOf(job: Job, file: FileHandle): Promise<RunPlan> {
  const spec = accountSpec(job.format);
  const format: SourceFormat = job.format === 'csv' ? { kind: 'csv', delimiter: ',' } : { kind: 'jsonl' };
  const { size } = await file.stat();
  const first = await readAt(file, 0, Math.min(size, 64 * 1024));
  const reading = readHead(first, format, { complete: first.length === size });
  if (!('head' in reading)) throw new Error('The head of the file cannot be read.');
  const { head } = reading;
  const indexer = createIndexer(format, head, { sliceBytes });
  for (let at = 0; at < size; at += sliceBytes) indexer.push(await readAt(file, at, Math.min(size, at + sliceBytes)));
  const { index, faults } = indexer.finish({ sliceRows: () => sliceRows });
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  const compiled = compileMapping({
    spec,
    sourceColumns: head.columns,
    table: accounts,
    lookupKeys: new Map(),
    runIdDigest: '0'.repeat(32),
  });
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults));
  const pin = { container: 'sources', blob: job.file, etag: '"1"', bytes: size };
  return {
    format,
    head,
    table: writeTargetOf(accounts),
    mapping: compiled.plan,
    manifest: { runId: 'bench', spec, pin, createdAt: new Date().toISOString() },
    rows: pin,
    index,
    sha256: '',
    encode: createRowEncoder(compiled.plan),
    repeated: noRepeatedKeys,
  };
}

function depsOf(job: Job, plan: RunPlan, file: FileHandle): LaneDeps {
  const clock = systemClock;
  const ledger = createMemoryLedger();
  const tokens = { get: async () => job.token, refresh: async () => job.token };
  const client = createClient({
    connection: { name: 'main', url: job.url, clientIds: [], allowLoopbackHttp: true },
    senders: [{ tokens, gates: createIdentityGates({ clock }) }],
    dispatcher: createAgent({ connections: job.lanes }),
    clock,
    random: Math.random,
  });
  const source: Pick<BlobSource, 'read'> = { read: (_pin, from, to) => readAt(file, from, to) };
  return {
    ledger,
    source: source as BlobSource,
    clientOf: () => client,
    planOf: async () => plan,
    stopOf: createStopWatch(ledger, clock),
    live: createLiveProgress(ledger, 'bench', clock),
    recallWaits: createWaitRecall(ledger, clock),
    clock,
  };
}

async function readAt(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(to - from);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
  if (bytesRead !== bytes.length) throw new Error(`The file ends at ${from + bytesRead}, not at ${to}.`);
  return bytes;
}
