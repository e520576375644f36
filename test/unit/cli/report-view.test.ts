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

test('a run that failed before its file was read says why and claims no proof', () => {
  const lines = reportLines({
    ...sampleReport,
    state: 'failed',
    reason: 'The spec does not fit the table.',
    source: { ...sampleReport.source, sha256: null },
    rowsTotal: null,
    counts: {},
    proof: null,
    rowsPerSecond: null,
    faults: [{ pointer: '/target/key', detail: 'No such key.' }],
  });
  expect(lines).toEqual([
    'run       r1',
    'state     failed: The spec does not fit the table.',
    'source    sources/geonames/cities.csv, 9.0 MB',
    'target    upsert fan_city in main',
    'rows      not counted',
    'proof     none, because the source was not read to its end',
    'requests  1,384, 0 of them told to wait (429)',
    'time      1:14 min',
    '  /target/key: No such key.',
  ]);
});

test('the commonest failures come last, without control characters of the service', () => {
  const failure = { code: '0x80044331', message: 'too\nlong\u001b[31m', count: 7, firstRow: 912 };
  const lines = reportLines({ ...sampleReport, topFailures: [failure] });
  expect(lines.slice(-2)).toEqual(['failures', '  7 x 0x80044331: too long [31m (first in row 912)']);
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
