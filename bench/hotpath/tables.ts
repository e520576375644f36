import { table } from '../shared/markdown.ts';
import { fixed, ratiosOf, spreadText, whole } from '../shared/summary.ts';
import type { Measured } from './job.ts';
import { ways, type HotPathResults } from './run.ts';

const names = {
  engine: { csv: 'engine, CSV', jsonl: 'engine, JSON lines' },
  plain: {
    csv: '`csv-parse`, `JSON.stringify`, `fetch`',
    jsonl: '`readline`, `JSON.parse`, `JSON.stringify`, `fetch`',
  },
} as const;

/** The results as Markdown. */
export function hotPathTables(results: HotPathResults): string {
  const { rounds, short, long, rowsPerRequest, lanes, node } = results;
  const of = (at: number, value: (measured: Measured) => number) =>
    rounds.flatMap((round) => (round[at] === undefined ? [] : [value(round[at])]));
  const rate = ({ rowsPerSecond }: Measured): number => rowsPerSecond;
  const plainAt = (format: string) => ways.findIndex((way) => way.way === 'plain' && way.format === format);
  const rows = ways.map(({ way, format }, at) => [
    names[way][format],
    spreadText(of(at, rate), whole),
    way === 'plain' ? '1' : spreadText(ratiosOf(of(at, rate), of(plainAt(format), rate)), fixed(1)),
    spreadText(
      of(at, ({ cpuMicrosecondsPerRow }) => cpuMicrosecondsPerRow),
      fixed(1),
    ),
    spreadText(
      of(at, ({ longestBlockMs }) => longestBlockMs),
      fixed(0),
    ),
    spreadText(
      of(at, ({ peakMegabytes }) => peakMegabytes),
      whole,
    ),
  ]);
  const calm = [short, long].map((measured) => [
    whole(measured[0]?.rows ?? 0),
    spreadText(
      measured.map(({ longestBlockMs }) => longestBlockMs),
      fixed(0),
    ),
    spreadText(
      measured.map(({ peakMegabytes }) => peakMegabytes),
      whole,
    ),
  ]);
  return [
    `Node ${node}, ${rowsPerRequest} rows a request, ${lanes} requests in flight, ${rounds.length} rounds: median (least–most).`,
    table([['way', 'rows/s', 'times the plain way', 'CPU, µs a row', 'longest block, ms', 'peak memory, MB'], ...rows]),
    'The engine on CSV from a cold start:',
    table([['rows', 'longest block, ms', 'peak memory, MB'], ...calm]),
  ].join('\n\n');
}
