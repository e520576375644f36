import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';
import { readOptions, refuse } from '../scripts/command-options.ts';
import { checkPlaces, resultOptions } from './common/results.ts';

const usage = {
  command: 'npm run bench:simulate',
  about: 'plays every scenario in virtual time, prints the tables and draws charts',
  options: {
    seeds: { kind: 'whole', least: 1, most: 1_000, default: 8, about: 'seeds of each scenario' },
    charts: { kind: 'text', value: 'FOLDER', default: '.local/simulator', about: 'where the charts go' },
    ...resultOptions,
  },
} as const;

const values = readOptions(usage);
await checkPlaces(values, 'simulated').catch((error: unknown) => refuse(usage, error));
// The simulator imports the emulator's models as the package that they are, which has to be built.
await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
const { simulate } = await import('./simulator/main.ts');
await simulate(values);
