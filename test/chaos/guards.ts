/**
 * `npm run chaos:guards -- [--seeds 400] [--only TEXT] [--from 1] [--count N]`: takes each guard away in turn, in a copy of the project, and says what
 * notices: the first test that fails, else the first seed with a violation. Ends with 1 when nothing does. The table in docs/reliability.md comes from here.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { guards } from './guards/guards.ts';
import { copyProject } from './guards/without-guard.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    only: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
  },
});
const from = Number(values.from ?? 1) - 1;
const chosen = guards
  .slice(from, from + Number(values.count ?? guards.length))
  .filter(({ guard }) => guard.includes(values.only ?? ''));

let unnoticed = 0;
const copy = await copyProject(fileURLToPath(new URL('../..', import.meta.url)));
try {
  for (const guard of chosen) {
    const { seed, test } = await copy.without(guard, Number(values.seeds ?? 400));
    if (seed === undefined && test === undefined) unnoticed += 1;
    write(`| ${guard.guard} | ${test ?? (seed === undefined ? 'nothing' : `\`npm run chaos\`, ${seed}`)} |`);
  }
} finally {
  await copy.remove();
}
write(`${chosen.length} guards taken away in turn, ${unnoticed} without anybody noticing`);
process.exitCode = unnoticed === 0 ? 0 : 1;

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
