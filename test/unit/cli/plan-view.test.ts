import { expect, it } from 'vitest';
import type { RunPlan } from '../../../cli/api.ts';
import { planLines } from '../../../cli/plan-view.ts';

const plan: RunPlan = {
  rows: { count: 135_233, exact: true, least: 135_233, most: 135_233 },
  unchecked: null,
  seconds: { least: 54, likely: 70, most: 91 },
  requests: 1_176,
  entitledRequests: 135_233,
  executionSeconds: 3_500,
  binding: 'execution time',
  basis: {
    cost: 'measured',
    overheadMs: 151.7,
    rowMs: { least: 19, likely: 24.71, most: 32.1 },
    rowsPerRequest: 115,
    inFlight: { least: 48, likely: 48, most: 48 },
    inFlightFrom: 'hint',
    mostLanes: 48,
  },
};

const linesOf = (told: RunPlan) => planLines(told).map((line) => line.replace(/ {2,}/, ': '));

it('tells a plan in lines: how long, how much, what limits it, and what that rests on', () => {
  expect(linesOf(plan)).toEqual([
    'checked: table, mapping and file, without a fault',
    'rows: 135,233',
    'time: about 1:10 min of sending (54 s to 1:31 min)',
    'requests: 1,176 of up to 115 rows',
    "entitlement: 135,233 of the tenant's daily requests",
    'limited by: execution time',
    'rests on: costs that an earlier run measured (152 ms a request, 24.7 ms a row); 48 requests in flight, as the environment recommends',
  ]);
});

it('does not promise more rows a request than there are', () => {
  const rows = { count: 8, exact: true, least: 8, most: 8 };
  expect(linesOf({ ...plan, rows, requests: 1 })).toContain('requests: 1 of 8 rows');
});

it('says what was not checked, not counted and not measured', () => {
  const lines = linesOf({
    ...plan,
    rows: { count: 9_000_000, exact: false, least: 8_900_000, most: 9_100_000 },
    unchecked: 'No access token for https://contoso.crm4.dynamics.com.',
    basis: {
      ...plan.basis,
      cost: 'assumed',
      rowMs: { least: 8, likely: 18, most: 90 },
      inFlight: { least: 4, likely: 14, most: 50 },
      inFlightFrom: 'assumed',
    },
  });
  expect(lines[0]).toBe('checked: the file alone: No access token for https://contoso.crm4.dynamics.com.');
  expect(lines[1]).toBe('rows: about 9,000,000 (8,900,000 to 9,100,000), reckoned from parts of the file');
  expect(lines.at(-1)).toBe(
    'rests on: published costs, as this table has none yet (152 ms a request, 18 ms a row, 8 to 90); 14 requests in flight, assumed (4 to 50)',
  );
});
