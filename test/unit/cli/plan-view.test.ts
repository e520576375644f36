import { expect, it } from 'vitest';
import type { RunPlan } from '../../../cli/api.ts';
import { planLines } from '../../../cli/plan-view.ts';

const plan: RunPlan = {
  rows: { count: 135_233, exact: false },
  seconds: { least: 54, likely: 70, most: 91 },
  requests: 1_176,
  entitledRequests: 135_233,
  executionSeconds: 3_500,
  binding: 'execution time',
  basis: {
    cost: 'measured',
    overheadMs: 151.7,
    rowMs: 24.71,
    rowsPerRequest: 115,
    inFlight: 48,
    inFlightFrom: 'hint',
  },
};

it('tells a plan in lines: how long, how much, what limits it, and what that rests on', () => {
  expect(planLines(plan).map((line) => line.replace(/ {2,}/, ': '))).toEqual([
    'rows: about 135,233',
    'time: about 1:10 min of sending (54 s to 1:31 min)',
    'requests: 1,176 of up to 115 rows',
    "entitlement: 135,233 of the tenant's daily requests",
    'limited by: execution time',
    'rests on: measured costs (152 ms a request, 24.7 ms a row); 48 requests in flight, as the environment recommends',
  ]);
});

it('does not promise more rows a request than there are', () => {
  const lines = planLines({ ...plan, rows: { count: 8, exact: true }, requests: 1 });
  expect(lines.map((line) => line.replace(/ {2,}/, ': '))).toContain('requests: 1 of 8 rows');
});
