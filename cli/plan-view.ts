import type { Interval } from '../src/plan/estimate.ts';
import type { RunPlan } from './api.ts';
import { alignFacts } from './report-view.ts';
import { formatCount, formatDuration, formatNoun, formatRange } from './text.ts';

/** A plan as lines of text: what was checked, how long, how much, what limits it, and what that rests on. */
export function planLines(plan: RunPlan): string[] {
  return alignFacts([
    [
      'checked',
      plan.unchecked === null ? 'table, mapping and file, without a fault' : `the file alone: ${plan.unchecked}`,
    ],
    ['rows', rowsText(plan)],
    ['time', `about ${formatDuration(plan.seconds.likely)} of sending (${formatRange(plan.seconds, formatDuration)})`],
    ['requests', requestsText(plan)],
    ['entitlement', `${formatCount(plan.entitledRequests)} of the tenant's daily requests`],
    ['limited by', plan.binding],
    ['rests on', `${costText(plan)}; ${inFlightText(plan)}`],
  ]);
}

function rowsText({ rows: { count, exact, least, most } }: RunPlan): string {
  if (exact) return formatCount(count);
  return `about ${formatCount(count)} (${formatRange({ least, most }, formatCount)}), reckoned from parts of the file`;
}

function requestsText({ requests, rows, basis: { rowsPerRequest } }: RunPlan): string {
  if (requests < 2) return `${requests} of ${formatNoun(rows.count, 'row')}`;
  return `${formatCount(requests)} of up to ${formatNoun(rowsPerRequest, 'row')}`;
}

function costText({ basis: { cost, overheadMs, rowMs } }: RunPlan): string {
  const request = `${Math.round(overheadMs)} ms a request`;
  if (cost === 'measured')
    return `costs that an earlier run measured (${request}, ${rowMs.likely.toFixed(1)} ms a row)`;
  return `published costs, as this table has none yet (${request}, ${rowMs.likely} ms a row, ${formatRange(rowMs, String)})`;
}

function inFlightText({ basis: { inFlight, inFlightFrom, mostLanes } }: RunPlan): string {
  if (mostLanes < inFlight.least) return `${mostLanes} requests in flight, our own bound`;
  const number = `${tenths(inFlight.likely)} requests in flight`;
  if (inFlightFrom === 'ceiling') return `${number}, as earlier runs have found`;
  if (inFlightFrom === 'hint') return `${number}, as the environment recommends`;
  return `${number}, assumed${isCertain(inFlight) ? '' : ` (${formatRange(inFlight, formatCount)})`}`;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

const isCertain = ({ least, most }: Interval): boolean => least === most;
