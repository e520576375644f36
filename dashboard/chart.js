import { svg } from './dom.js';
import { formatCount, formatDuration, formatRate } from './format.js';

/**
 * @typedef {object} Sample
 * @property {number} atMs
 * @property {number | null} rowsPerSecond
 * @property {number} lanes
 * @property {number | null} dopHint
 */

const panelHeight = 96;
const margin = { left: 52, right: 10, top: 28, bottom: 8 };
const axisHeight = 16;
/** Half an hour at one sample in two seconds; beyond it every other sample goes. */
const mostSamples = 900;

/** @param {Sample[]} samples @param {Sample} sample */
export function addSample(samples, sample) {
  samples.push(sample);
  if (samples.length > mostSamples) {
    const kept = samples.filter((_, index) => index % 2 === 0 || index === samples.length - 1);
    samples.splice(0, samples.length, ...kept);
  }
}

/**
 * Two panels over one time axis: rows per second, and lanes beside what the environment recommends.
 *
 * @param {readonly Sample[]} samples at least two
 * @param {number} width in pixels
 */
export function drawChart(samples, width) {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return svg('svg');
  const span = Math.max(1, last.atMs - first.atMs);
  const inner = Math.max(80, width - margin.left - margin.right);
  /** @param {Sample} sample */
  const x = (sample) => margin.left + ((sample.atMs - first.atMs) / span) * inner;
  const height = 2 * (panelHeight + margin.top) + margin.bottom + axisHeight;
  const watched = formatDuration(span / 1_000);

  return svg(
    'svg',
    {
      class: 'chart',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': `Watched for ${watched}: now ${formatRate(last.rowsPerSecond)} rows per second on ${last.lanes} lanes.`,
    },
    panel({
      title: 'Rows per second',
      top: margin.top,
      width,
      lines: [{ kind: 'rate', points: samples.map((sample) => ({ x: x(sample), value: sample.rowsPerSecond })) }],
    }),
    panel({
      title: 'Lanes',
      note: 'dashed: recommended',
      top: 2 * margin.top + panelHeight,
      width,
      lines: [
        { kind: 'hint', points: samples.map((sample) => ({ x: x(sample), value: sample.dopHint })) },
        { kind: 'lanes', points: samples.map((sample) => ({ x: x(sample), value: sample.lanes })) },
      ],
    }),
    svg('text', { class: 'tick', x: margin.left, y: height - 4 }, `${watched} ago`),
    svg('text', { class: 'tick end', x: margin.left + inner, y: height - 4 }, 'now'),
  );
}

/**
 * @typedef {{ x: number, value: number | null }} Point
 * @typedef {{ kind: 'rate' | 'lanes' | 'hint', points: Point[] }} Line
 * @param {{ title: string, note?: string, top: number, width: number, lines: Line[] }} options
 */
function panel({ title, note, top, width, lines }) {
  const values = lines.flatMap((line) => line.points.map((point) => point.value ?? 0));
  const most = roundUp(Math.max(...values, 1));
  /** @param {number} value */
  const y = (value) => top + panelHeight - (value / most) * (panelHeight - 8);
  const ticks = [0, most / 2, most].filter((value) => Number.isInteger(value));

  return svg(
    'g',
    {},
    svg('text', { class: 'title', x: margin.left, y: top - 10 }, title),
    note === undefined ? null : svg('text', { class: 'tick end', x: width - margin.right, y: top - 10 }, note),
    ...ticks.flatMap((value) => [
      svg('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
      svg('text', { class: 'tick end', x: margin.left - 8, y: y(value) + 4 }, formatCount(value)),
    ]),
    ...lines.map((line) => svg('path', { class: `line ${line.kind}`, d: pathOf(line.points, y) })),
    ...lines.filter((line) => line.kind !== 'hint').map((line) => lastDot(line, y)),
  );
}

/** @param {Point[]} points @param {(value: number) => number} y */
function pathOf(points, y) {
  let path = '';
  let pen = 'M';
  for (const point of points) {
    if (point.value === null) {
      pen = 'M';
      continue;
    }
    path += `${pen}${point.x.toFixed(1)} ${y(point.value).toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

/** @param {Line} line @param {(value: number) => number} y */
function lastDot(line, y) {
  const last = line.points.at(-1);
  if (last === undefined || last.value === null) return null;
  return svg('circle', { class: `dot ${line.kind}`, cx: last.x, cy: y(last.value), r: 3 });
}

/** The next of 1, 2, 5, 10, 20, 50, ... @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
