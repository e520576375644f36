/**
 * `npm run chaos -- --seeds 1000 [--from 1] [--bail]` runs seeds in this process, with `--bail` until one fails; `--seed N` repeats one of them and
 * tells more. Ends with 1 when a promise was broken.
 */
import { parseArgs } from 'node:util';
import { runSeed, type SeedResult } from './in-process/run-seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    bail: { type: 'boolean' },
  },
});
const first = Number(values.seed ?? values.from ?? 1);
const count = values.seed === undefined ? Number(values.seeds ?? 100) : 1;

const results: SeedResult[] = [];
for (let seed = first; seed < first + count; seed += 1) {
  const result = await runSeed(seed);
  results.push(result);
  if (values.seed !== undefined) write(JSON.stringify(result, null, 2));
  if (result.violations.length === 0) continue;
  write(`seed ${seed} (${result.scenario}), repeat it with: npm run chaos -- --seed ${seed}`);
  for (const violation of result.violations.slice(0, 5)) write(`  ${violation}`);
  if (values.bail === true) break;
}
const failed = results.filter(({ violations }) => violations.length > 0).length;
const total = (of: (result: SeedResult) => number): number => results.reduce((sum, result) => sum + of(result), 0);
const states = [...new Set(results.map(({ state }) => state))].map(
  (state) => `${state} ${results.filter((result) => result.state === state).length}`,
);
write(
  `${results.length} seeds, ${failed} with violations; ${total(({ kills }) => kills)} kills, ${total(({ requests }) => requests)} requests, ` +
    `${total(({ recovered }) => recovered)} rows recovered; ${states.join(', ')}`,
);
// Requests of hosts that were killed leave timers behind that nobody waits for.
process.exit(failed === 0 ? 0 : 1);

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
