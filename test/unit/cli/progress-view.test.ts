import { describe, expect, test } from 'vitest';
import type { RunView } from '../../../cli/api.ts';
import { paint } from '../../../cli/paint.ts';
import { bar, createProgressView, liveLines, plainLine, screenOf, type Screen } from '../../../cli/progress-view.ts';
import { sampleProgress, sampleRun } from './sample-run.ts';

const nowMs = Date.parse('2026-11-23T08:01:10Z');

function recordingScreen(isLive: boolean) {
  const written: string[] = [];
  const clock = { nowMs };
  const screen: Screen = {
    isLive,
    hasColor: false,
    columns: () => 100,
    write: (text) => written.push(text),
    now: () => clock.nowMs,
  };
  return { screen, written, clock };
}

describe('a plain line', () => {
  test('tells rows, speed, parallelism, throttling and the time left', () => {
    expect(plainLine(sampleRun, nowMs)).toBe(
      'running    51,200 of 138,398 rows (37.0 %), 1,890 rows/s, DOP 48 (hint 48), 429s 0, ETA 46 s (40 s to 1:02 min)',
    );
  });

  test('tells what is loaded while nothing is counted yet', () => {
    expect(plainLine({ ...sampleRun, state: 'indexing', progress: null }, nowMs)).toBe(
      'indexing   geonames/cities.csv into fan_city',
    );
  });

  test('leaves out what is not measured yet', () => {
    const progress = { ...sampleProgress, rowsPerSecond: null, secondsLeft: null, dopHint: null };
    expect(plainLine({ ...sampleRun, progress }, nowMs)).toBe(
      'running    51,200 of 138,398 rows (37.0 %), DOP 48, 429s 0',
    );
  });

  test('tells how long the run still waits instead of an ETA', () => {
    const progress = { ...sampleProgress, throttled: 48, waitingUntil: '2026-11-23T08:03:10Z' };
    expect(plainLine({ ...sampleRun, state: 'waiting', progress }, nowMs)).toMatch(/429s 48, waits 2:00 min more$/);
  });

  test('of a run that has ended tells what it did, not what it does', () => {
    expect(plainLine({ ...sampleRun, state: 'completed', progress: { ...sampleProgress, lanes: 0 } }, nowMs)).toMatch(
      /^completed .* 1,890 rows\/s, 429s 0$/,
    );
  });

  test('counts rejected rows once there are any', () => {
    const progress = { ...sampleProgress, counts: { upserted: 51_190, rejected: 10 } };
    expect(plainLine({ ...sampleRun, progress }, nowMs)).toContain('rejected 10');
  });
});

describe('the drawn lines', () => {
  test.each([30, 40, 60, 80, 200])('fit a terminal of %d columns', (columns) => {
    for (const line of liveLines(sampleRun, { columns, painter: paint(false), nowMs })) {
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('give the id of a run a line of its own rather than cut it', () => {
    const runId = `k-${'0'.repeat(40)}`;
    const lines = (columns: number) => liveLines({ ...sampleRun, runId }, { columns, painter: paint(false), nowMs });
    expect(lines(80).slice(0, 2)).toEqual(['upsert sources/geonames/cities.csv into fan_city', `run ${runId}`]);
    expect(lines(120)[0]).toBe(`upsert sources/geonames/cities.csv into fan_city  run ${runId}`);
  });

  test('hold no escape sequence when colours are off, and some when they are on', () => {
    const linesWith = (hasColor: boolean) =>
      liveLines(sampleRun, { columns: 80, painter: paint(hasColor), nowMs }).join('');
    expect(linesWith(false)).not.toContain('\u001b');
    expect(linesWith(true)).toContain('\u001b[36mrunning');
  });

  test('the bar is full only when every row is done', () => {
    expect(bar(99_999, 100_000, 10)).toBe('█████████░');
    expect(bar(100_000, 100_000, 10)).toBe('██████████');
    expect(bar(0, 0, 4)).toBe('████');
  });
});

describe('elsewhere than on a terminal', () => {
  test('a line is written for each change of state and every five seconds between', () => {
    const { screen, written, clock } = recordingScreen(false);
    const view = createProgressView(screen);
    const showAt = (seconds: number, run: RunView) => {
      clock.nowMs = nowMs + seconds * 1000;
      view.show(run);
    };
    for (let second = 0; second <= 11; second += 1) showAt(second, sampleRun);
    showAt(11.5, { ...sampleRun, state: 'closing' });
    expect(written.map((line) => line.slice(0, 7))).toEqual(['running', 'running', 'running', 'closing']);
    expect(written.join('')).not.toContain('\u001b');
  });
});

describe('on a terminal', () => {
  test('what was drawn is drawn over', () => {
    const { screen, written } = recordingScreen(true);
    const view = createProgressView(screen);
    view.show(sampleRun);
    view.show(sampleRun);
    const cursorUp = '\u001b[3A';
    expect(written[0]).not.toContain(cursorUp);
    expect(written[1]?.startsWith(cursorUp)).toBe(true);
  });

  test.each([
    ['a terminal', true, {}, { isLive: true, hasColor: true }],
    ['NO_COLOR', true, { NO_COLOR: '1' }, { isLive: true, hasColor: false }],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, { isLive: true, hasColor: true }],
    ['a dumb terminal', true, { TERM: 'dumb' }, { isLive: false, hasColor: false }],
    ['a pipe', false, {}, { isLive: false, hasColor: false }],
  ])('%s is respected', (_name, isTTY, env, expected) => {
    const stream = { isTTY, columns: 80, write: () => true } as unknown as NodeJS.WriteStream;
    expect(screenOf(stream, env)).toMatchObject(expected);
  });
});

test('what holds a run up is told beside its figures', () => {
  const held = { ...sampleRun, note: 'Attempt 2 of 5 failed: no token' };
  expect(plainLine(held, 0)).toMatch(/ \(Attempt 2 of 5 failed: no token\)$/);
  expect(plainLine({ ...held, progress: null }, 0)).toContain('no token');
  expect(liveLines(held, { columns: 80, painter: paint(false), nowMs: 0 }).at(-1)).toBe(
    'Attempt 2 of 5 failed: no token',
  );
});
