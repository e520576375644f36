import { fileURLToPath } from 'node:url';
import { formatNoun } from '../../cli/text.ts';
import { OptionError, readOptions, refuse } from '../../scripts/command-options.ts';
import { guards } from './guards/guards.ts';
import { copyProject } from './guards/without-guard.ts';

const usage = {
  command: 'npm run chaos:guards',
  about:
    'takes each guard away in turn, in a copy of the project, and says what notices: a test that fails, else a seed',
  options: {
    seeds: { kind: 'whole', least: 1, most: 100_000, default: 400, about: 'seeds that are asked when no test fails' },
    from: { kind: 'whole', least: 1, most: guards.length, default: 1, about: 'the first guard' },
    count: { kind: 'whole', least: 1, most: guards.length, default: guards.length, about: 'so many of them' },
    only: { kind: 'text', value: 'TEXT', about: 'those whose description holds this' },
  },
  notes: 'Exit code 1: nothing noticed. The table in docs/reliability.md comes from here.',
} as const;
const { seeds, from, count, only = '' } = readOptions(usage);
const chosen = guards.slice(from - 1, from - 1 + count).filter(({ guard }) => guard.includes(only));
if (chosen.length === 0) refuse(usage, new OptionError(`--only "${only}": no such guard among those chosen.`));

let unnoticed = 0;
const copy = await copyProject(fileURLToPath(new URL('../..', import.meta.url)));
try {
  for (const guard of chosen) {
    const { seed, test } = await copy.without(guard, seeds);
    if (seed === undefined && test === undefined) unnoticed += 1;
    write(`| ${guard.guard} | ${test ?? (seed === undefined ? 'nothing' : `\`npm run chaos\`, ${seed}`)} |`);
  }
} finally {
  await copy.remove();
}
write(`${formatNoun(chosen.length, 'guard')} taken away in turn, ${unnoticed} without anybody noticing`);
process.exitCode = unnoticed === 0 ? 0 : 1;

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
