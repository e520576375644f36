import { expect, test } from 'vitest';
import { faultLines, reportLines, runLines } from '../../../cli/report-view.ts';
import { sampleReport, sampleRun } from './sample-run.ts';

test('the report tells source, outcomes, proof and cost', () => {
  expect(reportLines(sampleReport)).toEqual([
    'run         r1',
    'state       completed',
    'source      sources/geonames/cities.csv, 9.0 MB, SHA-256 abababababababab…',
    'target      upsert fan_city in main',
    'rows        138,398',
    '  upserted  138,398',
    'proof       692 parts cover 138,398 of 138,398 rows, each once; the sums agree',
    'requests    1,384, 0 of them told to wait (429)',
    'time        1:14 min, 1,868 rows/s',
    'planned     1:10 min of sending (54 s to 1:31 min), 1,384 requests, 138,398 of the daily allowance; limited by: execution time',
    'actual      1:12 min of sending, 1,390 requests, 138,998 of the daily allowance; limited by: execution time',
  ]);
});

test('a proof that fails says in which way', () => {
  const proof = { tiles: false, parts: 3, rowsCovered: 120_000, sumsAgree: false };
  const gaps = [{ from: 1001, to: 2000 }];
  const overlaps = [{ from: 7, to: 7 }];
  const lines = reportLines({ ...sampleReport, state: 'inconsistent', proof, gaps, overlaps });
  expect(lines).toContain(
    'proof       3 parts cover 120,000 of 138,398 rows; with gaps or overlaps; the sums do not agree',
  );
  expect(lines.slice(-2)).toEqual(['  no part covers rows 1,001 to 2,000', '  more than one part covers row 7']);
});

test('a cancelled run tells how many rows it left and the first of them, and blames no books', () => {
  const proof = { tiles: false, parts: 3, rowsCovered: 138_000, sumsAgree: true };
  const gaps = Array.from({ length: 20 }, (_, at) => ({ from: at * 100 + 1, to: at * 100 + 20 }));
  const cancelled = {
    ...sampleReport,
    state: 'cancelled',
    reason: 'Cancelled on request.',
    proof,
    plan: null,
  } as const;
  expect(reportLines({ ...cancelled, gaps }).slice(6)).toEqual([
    'proof       3 parts cover 138,000 of 138,398 rows, each once; the sums agree; 398 rows not attempted',
    'requests    1,384, 0 of them told to wait (429)',
    'time        1:14 min, 1,868 rows/s',
    '  not attempted: rows 1 to 20, rows 101 to 120, rows 201 to 220 and at least 17 more',
  ]);
  const few = reportLines({ ...cancelled, gaps: gaps.slice(0, 4) });
  expect(few.at(-1)).toBe('  not attempted: rows 1 to 20, rows 101 to 120, rows 201 to 220 and 1 more');
});

test('a run that failed before its file was read says why and claims no proof', () => {
  const lines = reportLines({
    ...sampleReport,
    state: 'failed',
    reason: '2 faults were found before a row was sent.',
    source: { ...sampleReport.source, sha256: null },
    rowsTotal: null,
    counts: {},
    proof: null,
    plan: null,
    requests: 0,
    rowsPerSecond: null,
    faults: [{ pointer: '/target/key', detail: 'No such key.' }],
  });
  expect(lines).toEqual([
    'run     r1',
    'state   failed: 2 faults were found before a row was sent.',
    'source  sources/geonames/cities.csv, 9.0 MB',
    'target  upsert fan_city in main',
    'rows    not counted',
    'proof   none, because the source was not read to its end',
    'time    1:14 min',
    '  /target/key: No such key.',
  ]);
});

test('the only fault of a run is told once', () => {
  const reason = 'No such key.';
  const faults = [{ pointer: '/target/key', detail: reason }];
  const lines = reportLines({ ...sampleReport, state: 'failed', reason, faults });
  expect(lines.filter((line) => line.includes(reason))).toEqual(['  /target/key: No such key.']);
});

test('the commonest failures come last, without control characters of the service', () => {
  const failure = { code: '0x80044331', message: 'too\nlong\u001b[31m', count: 7, firstRow: 912 };
  const lines = reportLines({ ...sampleReport, topFailures: [failure] });
  expect(lines.slice(-2)).toEqual(['failures', '  7 x 0x80044331: too long [31m (first in row 912)']);
});

test('a failure that names its record is not placed again', () => {
  const failure = { code: 'source.ragged', message: '3 fields, not 4 (row 10, byte 220)', count: 2, firstRow: 10 };
  const places = [10, 1].map((firstRow) => reportLines({ ...sampleReport, topFailures: [{ ...failure, firstRow }] }));
  expect(places.map((lines) => lines.at(-1))).toEqual([
    '  2 x source.ragged: 3 fields, not 4 (row 10, byte 220)',
    '  2 x source.ragged: 3 fields, not 4 (row 10, byte 220) (first in row 1)',
  ]);
});

test('a run without a report tells where it stands and its faults by pointer', () => {
  const faults = [{ pointer: '/target/table', detail: 'There is no table "fan_town".' }];
  const lines = runLines({ ...sampleRun, state: 'failed', progress: null, faults });
  expect(lines).toContain('state    failed');
  expect(lines.at(-1)).toBe('  /target/table: There is no table "fan_town".');
});

test('a fault of the whole spec is named as such', () => {
  expect(faultLines([{ pointer: '', detail: 'Not an object.' }])).toEqual(['  (whole spec): Not an object.']);
});
