/**
 * `npm run chaos:processes -- --runs 30 [--from 1]`: runs of the built app in processes of their own, whose host is killed with SIGKILL at
 * aimed points, or killed and frozen at random journal events, or whose connections to storage and environment are cut. Azurite is never
 * killed: it loses writes it has acknowledged.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProcessSeed } from './processes/run-process-seed.ts';
import { startStage } from './processes/stage.ts';

const { values } = parseArgs({ options: { runs: { type: 'string' }, from: { type: 'string' } } });
const first = Number(values.from ?? 1);
const count = Number(values.runs ?? 30);

let failed = 0;
let kills = 0;
let cuts = 0;
const dir = await mkdtemp(join(tmpdir(), 'fanout-chaos-'));
const stage = await startStage(dir);
try {
  for (let seed = first; seed < first + count; seed += 1) {
    const result = await runProcessSeed(stage, seed);
    kills += result.kills;
    cuts += result.cuts;
    write(`run ${seed} (${result.what}): ${result.state}, ${result.violations.length} violations`);
    if (result.violations.length === 0) continue;
    failed += 1;
    write(`  repeat it with: npm run chaos:processes -- --runs 1 --from ${seed}`);
    for (const violation of result.violations.slice(0, 5)) write(`  ${violation}`);
  }
  const told = await stage.told();
  for (const violation of told) write(`  ${violation}`);
  failed += told.length;
} finally {
  await stage.stop();
  await rm(dir, { recursive: true, force: true });
}
write(`${count} runs, ${failed} with violations, ${kills} kills and freezes, ${cuts} connections cut or stalled`);
process.exitCode = failed === 0 ? 0 : 1;

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
