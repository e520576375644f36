import { maxDop } from './bounds.ts';
import { bindingOf, certain, estimateJob, type Estimate, type Interval, type StoredCost } from './estimate.ts';
import { fallbackHint } from './law-state.ts';
import { sizeFor } from './request-size.ts';
import type { RunSpec } from './run-spec.ts';
import type { RunBounds } from './run-state.ts';
import type { Sent } from './sent.ts';

/** Fixed cost of a request before it is measured; 70 to 150 ms fit the figures below. */
const assumedOverheadMs = 150;

/**
 * What a row costs, in ms, before anything is known of a table. In bulk messages of 100 rows: Microsoft's samples tell of 10 for a create, 20 to 30 for
 * an update, 10 to 20 for an upsert (microsoft/PowerApps-Samples, BulkOperations); joshsmithxrm/power-platform-developer-suite of 24.7 for an upsert by
 * id and 62 by alternate key, of 83 to 88 in an older version and of 27 a row and second for updates. For deletes there are none: they go as operations
 * of their own, of which one takes Microsoft's samples 100 with its way. Plug-ins may make every one of them longer than `most`.
 */
const assumedRowMs = {
  create: { least: 8, likely: 16, most: 90 },
  update: { least: 12, likely: 27, most: 120 },
  upsert: { least: 8, likely: 18, most: 90 },
  delete: { least: 15, likely: 36, most: 150 },
  byAlternateKey: { least: 20, likely: 45, most: 220 },
} as const satisfies Record<string, Interval>;
/** The same page of power-platform-developer-suite names 120 million writes an hour, against ten million on standard tables. */
const elasticShare = 0.1;
/** A cost that an earlier run has measured may have changed by so much: with the hour, the load and the rows. */
const measuredDoubt = 1.3;

/**
 * Requests in flight where nobody has asked the environment: 4 is what trials recommend, 50 what Microsoft's example has
 * (learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests).
 */
const assumedInFlight: Interval = { least: fallbackHint, likely: 14, most: 50 };
/** Where more than the hint may be tried, it was found to be as much too low as this (hint 5 on three servers; power-platform-developer-suite). */
const beyondHintFactor = 2.5;

export interface PlannedJob {
  readonly rows: Interval;
  readonly operation: 'create' | 'update' | 'upsert' | 'delete';
  readonly byAlternateKey: boolean;
  readonly isElastic: boolean;
  readonly cost: StoredCost | undefined;
  /** The spec's own choice. */
  readonly rowsPerRequest: number | undefined;
  readonly bounds: PlanBounds;
}

export interface PlanBounds {
  /** What the environment recommends; null where it names nothing, undefined where nobody has asked yet. */
  readonly hint: number | null | undefined;
  /** What the governor has learned that the environment sustains. */
  readonly ceiling: number | undefined;
  /** Of settings and spec. */
  readonly mostLanes: number;
  /** Of the connection's settings: the hint is no bound. */
  readonly beyondHint: boolean;
}

/** The bounds of a run, from settings, spec, and what is known of its environment. */
export function planBounds(
  bounds: Pick<RunBounds, 'maxLanes' | 'maxDop' | 'beyondHint'>,
  spec: RunSpec,
  known: Pick<PlanBounds, 'hint' | 'ceiling'>,
): PlanBounds {
  const mostLanes = Math.min(bounds.maxLanes, bounds.maxDop ?? maxDop, spec.options.maxLanes ?? maxDop);
  return { ...known, mostLanes, beyondHint: bounds.beyondHint ?? false };
}

export interface JobPlan extends Estimate {
  readonly basis: {
    readonly cost: 'measured' | 'assumed';
    readonly overheadMs: number;
    readonly rowMs: Interval;
    readonly rowsPerRequest: number;
    /** Requests in flight on average that the environment bears. */
    readonly inFlight: Interval;
    readonly inFlightFrom: 'ceiling' | 'hint' | 'assumed';
    /** Bound of the settings, the spec or the hint. */
    readonly mostLanes: number;
  };
}

/** How long a job that has not begun will take, from whatever is known of its table and its environment. */
export function planJob(job: PlannedJob): JobPlan {
  const { cost, rows, bounds } = job;
  const overheadMs = cost?.overheadMs ?? assumedOverheadMs;
  const rowMs = cost === undefined ? assumedCost(job) : spread(cost.rowMs, measuredDoubt);
  const sustained = sustainedBy(bounds);
  const mostLanes = mostLanesOf(bounds);
  const badShare = cost?.badShare ?? 0;
  const rowsPerRequest = job.rowsPerRequest ?? sizeFor({ overheadMs, rowMs: rowMs.likely, badShare });
  const estimate = estimateJob({ rows, rowsPerRequest, overheadMs, rowMs, sustained, mostLanes });
  return {
    ...estimate,
    seconds: map(estimate.seconds, (seconds) => rounded(seconds, 10)),
    executionSeconds: Math.round(estimate.executionSeconds),
    basis: {
      cost: cost === undefined ? 'assumed' : 'measured',
      overheadMs: rounded(overheadMs, 10),
      rowMs: map(rowMs, (ms) => rounded(ms, 100)),
      rowsPerRequest,
      inFlight: sustained,
      inFlightFrom: bounds.ceiling !== undefined ? 'ceiling' : typeof bounds.hint === 'number' ? 'hint' : 'assumed',
      mostLanes,
    },
  };
}

function assumedCost({ operation, byAlternateKey, isElastic }: PlannedJob): Interval {
  const rowMs = assumedRowMs[byAlternateKey ? 'byAlternateKey' : operation];
  return isElastic ? map(rowMs, (ms) => ms * elasticShare) : rowMs;
}

function sustainedBy({ hint, ceiling, beyondHint }: PlanBounds): Interval {
  if (ceiling !== undefined) return certain(ceiling);
  if (hint === undefined) return assumedInFlight;
  const recommended = hint ?? fallbackHint;
  return beyondHint ? { ...certain(recommended), most: recommended * beyondHintFactor } : certain(recommended);
}

/** The hint is a bound unless the connection's settings say that more may be tried. */
function mostLanesOf({ hint, beyondHint, mostLanes }: PlanBounds): number {
  return beyondHint || hint === undefined ? mostLanes : Math.min(mostLanes, hint ?? fallbackHint);
}

/** What a run has used since it began or was resumed, to stand beside its plan. */
export type Usage = Omit<Estimate, 'seconds'> & { readonly seconds: number };

export function usageOf({ basis }: JobPlan, { sinceMs, untilMs, rowsSent, busyMs }: Sent, requests: number): Usage {
  const executionSeconds = Math.round(busyMs / 1_000);
  const { binding } = bindingOf({
    requests,
    executionSeconds,
    sustained: basis.inFlight.likely,
    mostLanes: basis.mostLanes,
  });
  return {
    seconds: rounded((untilMs - sinceMs) / 1_000, 10),
    requests,
    entitledRequests: rowsSent,
    executionSeconds,
    binding,
  };
}

const rounded = (value: number, parts: number): number => Math.round(value * parts) / parts;

const spread = (value: number, factor: number): Interval => ({
  least: value / factor,
  likely: value,
  most: value * factor,
});

const map = ({ least, likely, most }: Interval, change: (value: number) => number): Interval => ({
  least: change(least),
  likely: change(likely),
  most: change(most),
});
