import { table } from '../common/markdown.ts';
import type { ChangeRow, Row, Studies } from './studies.ts';
import { strategies } from './studies.ts';
import { nameOf } from './simulate.ts';

const percent = (share: number, digits = 2): string => `${(share * 100).toFixed(digits)} %`;
const seconds = (value: number | null): string => (value === null ? 'never' : `${Math.round(value)} s`);

/** The studies as Markdown tables, made for people and for `docs/performance.md` alike. */
export function tablesOf(studies: Studies): string {
  return [
    '### The engine on every profile',
    engineTable(studies.profiles),
    '### The engine on environments unlike any profile',
    engineTable(studies.odd),
    '### Against other ways, efficiency (share of throttled requests)',
    comparison([...studies.profiles, ...studies.odd]),
    '### After a change in mid-run',
    changeTable(studies.changes),
    '### Two runs on one connection',
    twoRunsTable(studies),
  ].join('\n\n');
}

function engineTable(rows: readonly Row[]): string {
  return table([
    [
      'environment',
      'maximum, rows/s',
      'settings of the connection',
      'rows/s',
      'efficiency',
      'worst seed',
      'of the maximum at 100 rows',
      '429',
      'settled after',
      'early',
    ],
    ...rows
      .filter(({ strategy }) => strategy.startsWith('engine'))
      .map((row) => [
        row.strategy === 'engine' ? `**${row.scenario}**: ${row.note}` : '',
        row.strategy === 'engine' ? Math.round(row.maximumRowsPerSecond).toString() : '',
        settingsOf(row.strategy),
        Math.round(row.rowsPerSecond).toString(),
        row.efficiency.toFixed(3),
        row.worst.toFixed(3),
        row.efficiencyAt100.toFixed(3),
        percent(row.throttledShare),
        seconds(row.settledAfterSeconds),
        row.earlyRetries.toString(),
      ]),
  ]);
}

/** What the settings of the connection are, where the engine's name says it. */
const settingsOf = (strategy: string): string =>
  strategy === 'engine' ? '`beyondHint`, `serverAffinity` auto' : strategy.replace('engine, ', '');

function comparison(rows: readonly Row[]): string {
  const names = strategies.map(nameOf);
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))];
  const cells = scenarios.map((scenario) => [
    scenario,
    ...names.map((name) => {
      const row = rows.find((one) => one.scenario === scenario && one.strategy === name);
      return row === undefined ? '' : `${row.efficiency.toFixed(2)} (${percent(row.throttledShare, 1)})`;
    }),
  ]);
  const worst = names.map((name) =>
    Math.min(...rows.filter(({ strategy }) => strategy === name).map(({ efficiency }) => efficiency)).toFixed(2),
  );
  return table([['environment', ...names], ...cells, ['**worst**', ...worst.map((value) => `**${value}**`)]]);
}

function changeTable(rows: readonly ChangeRow[]): string {
  return table([
    [
      'change',
      'settings of the connection',
      '90 % of the new maximum at 100 rows after (mean)',
      'slowest seed',
      'possible after (mean)',
      'slowest seed behind that',
      'seeds that never got there',
    ],
    ...rows.map((row) => [
      row.strategy === 'engine' ? `**${row.scenario}**: ${row.note}` : '',
      settingsOf(row.strategy),
      seconds(row.seconds),
      seconds(row.slowestSeconds),
      seconds(row.possibleSeconds),
      seconds(row.latestBehind),
      row.unsettledSeeds.toString(),
    ]),
  ]);
}

function twoRunsTable({ twoRuns }: Studies): string {
  return table([
    ['seed', 'rows of the first', 'rows of the second', 'smaller share of the mean', 'seconds above what was leased'],
    ...twoRuns.map(({ seed, rows, fairness, secondsAboveGrant }) => [
      seed.toString(),
      rows[0].toLocaleString('en'),
      rows[1].toLocaleString('en'),
      fairness.toFixed(3),
      secondsAboveGrant.toString(),
    ]),
  ]);
}
