/**
 * `node test/chaos/processes.ts --runs 30 [--from 1]`: runs of the built app in processes of their own, whose host is killed with SIGKILL or
 * frozen with SIGSTOP at random journal events. Azurite is never killed: it loses writes it has acknowledged.
 */
import { parseArgs } from 'node:util';
import { startApp } from '../support/app.ts';
import { runKills } from './processes/run-kills.ts';

const { values } = parseArgs({ options: { runs: { type: 'string' }, from: { type: 'string' } } });
const first = Number(values.from ?? 1);
const count = Number(values.runs ?? 30);

let failed = 0;
let kills = 0;
const app = await startApp({ env: { FANOUT_SETTLE_SECONDS: '5' } });
try {
  for (let seed = first; seed < first + count; seed += 1) {
    const result = await runKills(app, seed);
    kills += result.kills;
    write(`run ${seed} (${result.what}): ${result.state}, ${result.violations.length} violations`);
    if (result.violations.length === 0) continue;
    failed += 1;
    write(`  repeat it with: npm run chaos:processes -- --runs 1 --from ${seed}`);
    for (const violation of result.violations.slice(0, 5)) write(`  ${violation}`);
  }
} finally {
  await app.stop();
}
write(`${count} runs, ${failed} with violations, ${kills} kills and freezes`);
process.exitCode = failed === 0 ? 0 : 1;

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
