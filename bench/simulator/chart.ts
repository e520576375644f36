import type { Second } from './recorder.ts';

const width = 900;
const left = 64;
const panelHeight = 110;
const gap = 34;
const top = 40;
const plotWidth = width - left - 16;

interface Panel {
  readonly title: string;
  readonly lines: readonly { readonly values: readonly number[]; readonly colour: string }[];
  /** A level to compare with. */
  readonly level?: number;
  readonly bars?: boolean;
}

/** A chart of one run over time: lanes and requests in flight, rows per second against the maximum, 429 answers. */
export function drawChart(title: string, seconds: readonly Second[], maximumRowsPerSecond: number): string {
  const step = 5;
  const every = <T>(value: (second: Second) => number, fold: (values: number[]) => T): T[] =>
    Array.from({ length: Math.floor(seconds.length / step) }, (_, at) =>
      fold(seconds.slice(at * step, (at + 1) * step).map(value)),
    );
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
  const panels: Panel[] = [
    {
      title: 'lanes granted (grey) and requests in flight (blue)',
      lines: [
        { values: every(({ lanes }) => lanes, mean), colour: '#9aa4b2' },
        { values: every(({ inFlight }) => inFlight, mean), colour: '#1f6feb' },
      ],
    },
    {
      title: 'rows per second; dashed: the physical maximum',
      lines: [{ values: smooth(every(({ rows }) => rows, mean)), colour: '#1a7f37' }],
      level: maximumRowsPerSecond,
    },
    {
      title: 'rows per request',
      lines: [{ values: every(({ rowsPerRequest }) => rowsPerRequest, mean), colour: '#8250df' }],
    },
    {
      title: '429 answers',
      lines: [{ values: every(({ throttled }) => throttled, total), colour: '#cf222e' }],
      bars: true,
    },
  ];
  const height = top + panels.length * (panelHeight + gap);
  const body = panels
    .map((panel, index) => drawPanel(panel, top + index * (panelHeight + gap), seconds.length))
    .join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${left}" y="22" font-size="15" font-weight="600" fill="#1f2328">${escape(title)}</text>
${body}
</svg>
`;
}

function drawPanel(panel: Panel, y: number, seconds: number): string {
  const highest = Math.max(1, panel.level ?? 0, ...panel.lines.flatMap(({ values }) => values)) * 1.05;
  const base = y + 14 + panelHeight - 14;
  const yOf = (value: number): string => (base - (value / highest) * (panelHeight - 14)).toFixed(1);
  const xOf = (at: number, count: number): string => (left + ((at + 0.5) / count) * plotWidth).toFixed(1);
  const lines = panel.lines.map(({ values, colour }) => {
    const points = values.map((value, at) => `${xOf(at, values.length)},${yOf(value)}`);
    if (panel.bars !== true)
      return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(' ')}"/>`;
    return values
      .map((value, at) =>
        value === 0
          ? ''
          : `<line x1="${xOf(at, values.length)}" x2="${xOf(at, values.length)}" y1="${base}" y2="${yOf(value)}" stroke="${colour}" stroke-width="2"/>`,
      )
      .join('');
  });
  const level =
    panel.level === undefined
      ? ''
      : `<line x1="${left}" x2="${left + plotWidth}" y1="${yOf(panel.level)}" y2="${yOf(panel.level)}" stroke="#57606a" stroke-dasharray="5 4"/>`;
  const minutes = Array.from({ length: Math.floor(seconds / 120) + 1 }, (_, at) => at * 2);
  const ticks = minutes.map((minute) => {
    const x = (left + ((minute * 60) / seconds) * plotWidth).toFixed(1);
    return `<text x="${x}" y="${base + 14}" fill="#57606a" text-anchor="middle">${minute} min</text>`;
  });
  return [
    `<text x="${left}" y="${y + 6}" fill="#1f2328">${escape(panel.title)}</text>`,
    `<line x1="${left}" x2="${left + plotWidth}" y1="${base}" y2="${base}" stroke="#d0d7de"/>`,
    `<text x="${left - 8}" y="${Number(yOf(highest / 1.05)) + 4}" fill="#57606a" text-anchor="end">${Math.round(highest / 1.05)}</text>`,
    `<text x="${left - 8}" y="${base + 4}" fill="#57606a" text-anchor="end">0</text>`,
    ...ticks,
    level,
    ...lines,
  ].join('\n');
}

/** Requests of a hundred rows end in lumps; the eye wants the mean of half a minute. */
function smooth(values: readonly number[]): number[] {
  return values.map((_, at) => {
    const around = values.slice(Math.max(0, at - 3), at + 4);
    return around.reduce((sum, value) => sum + value, 0) / around.length;
  });
}

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
