import { table } from '../common/markdown.ts';
import { fixed, ratiosOf, spreadText, whole } from '../common/summary.ts';
import { clientNames, type ClientName } from './job.ts';
import type { Measured } from './run.ts';

const names: Readonly<Record<ClientName, string>> = {
  sequential: 'one row at a time, `fetch`',
  singles: '`dynamics-web-api`, single creates, pool at the hint',
  batches: '`dynamics-web-api`, `$batch` of 100, pool at the hint',
  bulk: '`dynamics-web-api`, `CreateMultiple` of 100 by `callAction`, pool at the hint',
  engine: 'the engine without Durable',
  durable: 'the engine with Durable on the embedded host',
};

/** The rounds as Markdown; ratios are taken within a round. */
export function compareTables(rounds: readonly (readonly Measured[])[]): string {
  const of = (client: ClientName, value: (measured: Measured) => number): readonly number[] =>
    rounds.flatMap((round) => round.filter((one) => one.client === client).map(value));
  const sending = ({ sendingRowsPerSecond }: Measured): number => sendingRowsPerSecond;
  const rows = clientNames.map((client) => [
    names[client],
    spreadText(of(client, sending), whole),
    spreadText(ratiosOf(of(client, sending), of('sequential', sending)), fixed(1)),
    spreadText(ratiosOf(of(client, sending), of('bulk', sending)), fixed(2)),
    spreadText(
      of(client, ({ rowsPerSecond }) => rowsPerSecond),
      whole,
    ),
    spreadText(
      of(client, ({ rows: count }) => count),
      whole,
    ),
    spreadText(
      of(client, ({ requests }) => requests),
      whole,
    ),
    spreadText(
      of(client, ({ throttled }) => throttled),
      whole,
    ),
    spreadText(
      of(client, ({ earlyRetries }) => earlyRetries),
      whole,
    ),
  ]);
  const head = [
    'client',
    'rows/s while sending',
    'times one at a time',
    'times `CreateMultiple` by a pool',
    'rows/s of the whole job',
    'rows',
    'requests',
    '429',
    'early',
  ];
  return `${rounds.length} rounds, median (least–most).\n\n${table([head, ...rows])}`;
}
