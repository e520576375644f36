import { table } from '../common/markdown.ts';
import { fixed, ratiosOf, spreadText, whole } from '../common/summary.ts';
import type { Measured } from './job.ts';
import { ways, youngMegabytes, type HotPathResults } from './run.ts';

const names = {
  engine: { csv: 'engine, CSV', jsonl: 'engine, JSON lines' },
  plain: {
    csv: '`csv-parse`, `JSON.stringify`, `fetch`',
    jsonl: '`readline`, `JSON.parse`, `JSON.stringify`, `fetch`',
  },
} as const;

const rateOf = ({ rowsPerSecond }: Measured): number => rowsPerSecond;
const coreRateOf = ({ threadMicrosecondsPerRow }: Measured): number => 1e6 / threadMicrosecondsPerRow;
const cpuOf = ({ cpuMicrosecondsPerRow }: Measured): number => cpuMicrosecondsPerRow;

/** Loop and memory, for any set of measurements. */
const calmHead = ['longest block, ms', 'of CPU, ms', 'peak memory, MB'];

function calmCells(measured: readonly Measured[]): string[] {
  const text = (value: (one: Measured) => number) => spreadText(measured.map(value), whole);
  return [
    text(({ longestBlockMs }) => longestBlockMs),
    text(({ longestBusyMs }) => longestBusyMs),
    text(({ peakMegabytes }) => peakMegabytes),
  ];
}

/** The results as Markdown. */
export function hotPathTables(results: HotPathResults): string {
  const { rounds, calm, rowsPerRequest, lanes, node } = results;
  const of = (at: number) => rounds.flatMap((round) => round[at] ?? []);
  const plainAt = (format: string) => ways.findIndex((way) => way.way === 'plain' && way.format === format);
  const rows = ways.map(({ way, format }, at) => {
    const [own, plain] = [of(at), of(plainAt(format))];
    return [
      names[way][format],
      spreadText(own.map(coreRateOf), whole),
      spreadText(ratiosOf(own.map(coreRateOf), plain.map(coreRateOf)), fixed(1)),
      spreadText(own.map(rateOf), whole),
      spreadText(ratiosOf(own.map(rateOf), plain.map(rateOf)), fixed(1)),
      spreadText(own.map(cpuOf), fixed(1)),
      spreadText(ratiosOf(plain.map(cpuOf), own.map(cpuOf)), fixed(1)),
      ...calmCells(own),
    ];
  });
  const head = [
    'way',
    'rows/s of one core',
    'times the plain way',
    'rows/s by the clock',
    'times the plain way',
    'CPU of all threads, µs a row',
    'times less than the plain way',
    ...calmHead,
  ];
  return [
    `Node ${node} with ${youngMegabytes} MB for young objects (\`--max-semi-space-size\`), ${rowsPerRequest} rows a request, ${lanes} requests in flight, ${rounds.length} rounds: median (least–most).`,
    table([head, ...rows]),
    'The engine on CSV from a cold start; in the last line with as much room for young objects as V8 takes by itself:',
    table([['rows', ...calmHead], ...calm.map((measured) => [whole(measured[0]?.rows ?? 0), ...calmCells(measured)])]),
  ].join('\n\n');
}
