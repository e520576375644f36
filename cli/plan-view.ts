import type { RunPlan } from './api.ts';
import { alignFacts } from './report-view.ts';
import { formatCount, formatDuration, formatNoun } from './text.ts';

/** A plan as lines of text: how long, how much, what limits it, and what that rests on. */
export function planLines(plan: RunPlan): string[] {
  const { rows, seconds } = plan;
  const range = `${formatDuration(seconds.least)} to ${formatDuration(seconds.most)}`;
  return alignFacts([
    ['rows', `${rows.exact ? '' : 'about '}${formatCount(rows.count)}`],
    ['time', `about ${formatDuration(seconds.likely)} of sending (${range})`],
    ['requests', requestsText(plan)],
    ['entitlement', `${formatCount(plan.entitledRequests)} of the tenant's daily requests`],
    ['limited by', plan.binding],
    ['rests on', `${costText(plan)}; ${inFlightText(plan)}`],
  ]);
}

function requestsText({ requests, rows, basis: { rowsPerRequest } }: RunPlan): string {
  if (requests < 2) return `${requests} of ${formatNoun(rows.count, 'row')}`;
  return `${formatCount(requests)} of up to ${formatNoun(rowsPerRequest, 'row')}`;
}

const costText = ({ basis: { cost, overheadMs, rowMs } }: RunPlan): string =>
  `${cost} costs (${Math.round(overheadMs)} ms a request, ${rowMs.toFixed(1)} ms a row)`;

function inFlightText({ basis: { inFlight, inFlightFrom } }: RunPlan): string {
  const number = `${Math.round(inFlight * 10) / 10} requests in flight`;
  if (inFlightFrom === 'ceiling') return `${number}, as earlier runs have found`;
  return inFlightFrom === 'hint' ? `${number}, as the environment recommends` : `${number}, assumed`;
}
