import { formatNoun } from '../../cli/text.ts';
import { readOptions } from '../../scripts/command-options.ts';
import { mostSeed } from './random.ts';
import { runSeed, type SeedResult } from './in-process/run-seed.ts';

const values = readOptions({
  command: 'npm run chaos',
  about: 'runs under seeded faults in this process, each checked against what was promised',
  options: {
    seeds: { kind: 'whole', least: 1, most: 1_000_000, default: 100, about: 'so many seeds' },
    from: { kind: 'whole', least: 1, most: mostSeed, default: 1, about: 'the first of them' },
    bail: { kind: 'flag', about: 'ends with the first that fails' },
    seed: { kind: 'whole', least: 1, most: mostSeed, about: 'this one alone, and tells more' },
  },
  notes: 'Exit code 1: a promise was broken.',
});
const first = values.seed ?? values.from;
const count = values.seed === undefined ? values.seeds : 1;

const results: SeedResult[] = [];
for (let seed = first; seed < first + count; seed += 1) {
  const result = await runSeed(seed);
  results.push(result);
  if (values.seed !== undefined) write(JSON.stringify(result, null, 2));
  if (result.violations.length === 0) continue;
  write(`seed ${seed} (${result.scenario}), repeat it with: npm run chaos -- --seed ${seed}`);
  for (const violation of result.violations.slice(0, 5)) write(`  ${violation}`);
  if (values.bail) break;
}
const failed = results.filter(({ violations }) => violations.length > 0).length;
const total = (of: (result: SeedResult) => number): number => results.reduce((sum, result) => sum + of(result), 0);
const states = [...new Set(results.map(({ state }) => state))].map(
  (state) => `${state} ${results.filter((result) => result.state === state).length}`,
);
write(
  `${formatNoun(results.length, 'seed')}, ${failed} with violations; ${formatNoun(
    total(({ kills }) => kills),
    'kill',
  )}, ` +
    `${formatNoun(
      total(({ requests }) => requests),
      'request',
    )}, ${formatNoun(
      total(({ recovered }) => recovered),
      'row',
    )} recovered; ${states.join(', ')}`,
);
// Requests of hosts that were killed leave timers behind that nobody waits for.
process.exit(failed === 0 ? 0 : 1);

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
