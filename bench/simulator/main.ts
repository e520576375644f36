import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatNoun } from '../../cli/text.ts';
import { putBetweenMarks } from '../common/markdown.ts';
import { writeResults, type ResultPlaces } from '../common/results.ts';
import { drawChart } from './chart.ts';
import { forecastTable, studyForecasts } from './forecasts.ts';
import { changeScenarios, oddScenarios, profileScenarios } from './scenarios.ts';
import { anyServer, engine, maximum, nameOf, play } from './simulate.ts';
import { runStudies } from './studies.ts';
import { tablesOf } from './tables.ts';

/** Of the studies of plans, more seeds tell little more. */
const mostForecastSeeds = 4;

/** Plays every scenario, prints the tables, draws charts, and on request puts the tables into a document between their marks. */
export async function simulate(
  options: ResultPlaces & { readonly seeds: number; readonly charts: string },
): Promise<void> {
  const began = Date.now();
  const seeds = Array.from({ length: options.seeds }, (_, at) => at + 1);
  const studies = runStudies(seeds);
  const forecasts = studyForecasts(seeds.slice(0, mostForecastSeeds));
  const foretold = forecastTable(forecasts);
  await writeResults(options, { mark: 'simulated', results: { ...studies, forecasts }, tables: tablesOf(studies) });
  console.log(`\n### Plans and forecasts\n\n${foretold}`);
  if (options.docs !== undefined) await putBetweenMarks(options.docs, 'foretold', foretold);
  await writeCharts(options.charts);
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  console.log(`\n${formatNoun(seeds.length, 'seed')} in ${seconds} s; charts in ${options.charts}`);
}

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
