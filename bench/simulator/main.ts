import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { putBetweenMarks } from '../common/markdown.ts';
import { drawChart } from './chart.ts';
import { changeScenarios, oddScenarios, profileScenarios } from './scenarios.ts';
import { anyServer, engine, maximum, nameOf, play } from './simulate.ts';
import { runStudies } from './studies.ts';
import { tablesOf } from './tables.ts';

/**
 * `npm run bench:simulate [-- --json FILE] [--charts FOLDER] [--docs FILE] [--seeds N]`: plays every scenario in virtual time, prints the
 * tables, writes charts, and on request puts the tables into a document between its marks.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    charts: { type: 'string', default: '.local/simulator' },
    docs: { type: 'string' },
    seeds: { type: 'string', default: '8' },
  },
});

const began = Date.now();
const seeds = Array.from({ length: Number(values.seeds) }, (_, at) => at + 1);
const studies = runStudies(seeds);
const tables = tablesOf(studies);
console.log(tables);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(studies, null, 1)}\n`);
if (values.docs !== undefined) await putBetweenMarks(values.docs, 'simulated', tables);
await writeCharts(values.charts);
console.log(`\n${seeds.length} seeds in ${((Date.now() - began) / 1_000).toFixed(1)} s; charts in ${values.charts}`);

async function writeCharts(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const scenario of [...profileScenarios, ...oddScenarios, ...changeScenarios]) {
    for (const strategy of [engine, anyServer]) {
      const { seconds } = play(scenario, strategy, { seed: 1, seconds: 1_260 });
      const title = `${scenario.name} (${scenario.note}): ${nameOf(strategy)}`;
      const name = `${scenario.name} ${nameOf(strategy)}`.replace(/[^a-z0-9]+/gi, '-');
      await writeFile(join(folder, `${name}.svg`), drawChart(title, seconds, maximum(scenario, {})));
    }
  }
}
