import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatNoun } from '../../cli/text.ts';
import { readOptions } from '../../scripts/command-options.ts';
import { mostSeed } from './random.ts';
import { runProcessSeed } from './processes/run-process-seed.ts';
import { startStage } from './processes/stage.ts';

const { from: first, runs: count } = readOptions({
  command: 'npm run chaos:processes',
  about:
    'runs of the built app in processes of their own, whose host is killed at aimed points, or killed and frozen at random events of the journal, or whose connections are cut',
  options: {
    runs: { kind: 'whole', least: 1, most: 100_000, default: 30, about: 'so many runs' },
    from: { kind: 'whole', least: 1, most: mostSeed, default: 1, about: 'seed of the first' },
  },
  notes: 'Azurite is never killed: it loses writes it has acknowledged. Exit code 1: a promise was broken.',
});

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
    write(`run ${seed} (${result.what}): ${result.state}, ${formatNoun(result.violations.length, 'violation')}`);
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
write(
  `${formatNoun(count, 'run')}, ${failed} with violations, killed or frozen ${formatNoun(kills, 'time')}, ${formatNoun(cuts, 'connection')} cut or stalled`,
);
process.exitCode = failed === 0 ? 0 : 1;

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
