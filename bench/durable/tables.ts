import { table } from '../common/markdown.ts';
import { fixed, spreadText, whole } from '../common/summary.ts';
import { expectedDrain } from './drain.ts';
import { rowsPerRequest, type DurableRound, type Side } from './run.ts';

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const million = 1_000_000;

/**
 * Operations the Azure Storage provider needs, without polling: an activity is a message to the work items' queue and one back (put, get, delete each);
 * a call to a durable entity is two as well; each turn writes a batch of history and the instance
 * (learn.microsoft.com/azure/azure-functions/durable/durable-functions-azure-storage-provider). An entity's turn counts like an orchestrator's.
 */
const azureOperations = ({ activities, messages, turns }: DurableRound): number =>
  6 * activities + 6 * messages + 2 * (turns + messages);

export interface DurableTable {
  readonly title: string;
  readonly tailProbability: number;
  readonly rounds: readonly DurableRound[];
}

/** The rounds as Markdown. */
export function durableTables({ title, tailProbability, rounds }: DurableTable): string {
  const of = (value: (round: DurableRound) => number) => rounds.map(value);
  const perMillion = (value: (round: DurableRound) => number) =>
    spreadText(
      of((round) => (value(round) / round.with.rows) * million),
      whole,
    );
  const side = (name: string, pick: (round: DurableRound) => Side) => [
    name,
    spreadText(
      of((round) => pick(round).rowsPerSecond),
      fixed(1),
    ),
    spreadText(
      of((round) => pick(round).busyShare),
      percent,
    ),
    spreadText(
      of((round) => pick(round).requests),
      whole,
    ),
  ];
  const cost = (value: (side: Side) => number) =>
    spreadText(
      of((round) => 1 - value(round.with) / value(round.without)),
      percent,
    );
  const all = rounds.flatMap(({ without, with: own }) => [without.storage, own.storage]);
  const names = [...new Set(all.flatMap((storage) => Object.keys(storage)))].filter((name) =>
    all.some((storage) => Math.round(storage[name] ?? 0) > 0),
  );
  const storageRows = names.toSorted().map((name) => [
    `blob storage: ${name}`,
    spreadText(
      of(({ without: { storage, rows } }) => ((storage[name] ?? 0) / rows) * million),
      whole,
    ),
    perMillion(({ with: { storage } }) => storage[name] ?? 0),
  ]);
  const [first] = rounds;
  const drainOf = (boxSeconds: number) =>
    expectedDrain({ lanes: first?.lanes ?? 0, rowsPerRequest, tailProbability, boxSeconds });
  return [
    `**${title}**: ${rounds.length} rounds of ${first === undefined ? '' : Math.round(first.seconds)} s, ${first?.lanes ?? 0} lanes, ${rowsPerRequest} rows a request, waves of ${first?.waves.map(fixed(1)).join(', ') ?? ''} s, of which those of a minute count.`,
    table([
      ['engine', 'rows/s', "lanes' time with a request in execution", 'requests'],
      side('without Durable and waves', ({ without }) => without),
      side('with both', (round) => round.with),
    ]),
    `Cost of Durable and waves: ${cost(({ busyShare }) => busyShare)} by the lanes' time, ${cost(({ rowsPerSecond }) => rowsPerSecond)} by rows/s (which also holds the chance of how long requests take). Over many boxes, the ends of boxes cost ${percent(drainOf(60))} with boxes of 60 s and ${percent(drainOf(120))} with boxes of 120 s, by the latency model.`,
    table([
      ['per million rows', 'without', 'with'],
      ...storageRows,
      ['history events', '', perMillion(({ events }) => events)],
      ['turns of the orchestrator', '', perMillion(({ turns }) => turns)],
      ['activities', '', perMillion(({ activities }) => activities)],
      ['operations of the Azure Storage provider, computed', '', perMillion(azureOperations)],
    ]),
  ].join('\n\n');
}
