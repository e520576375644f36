import type { Grant } from './governor.ts';

/** One change of course, for the run's record: what was granted and why. */
export interface Decision {
  /** ISO time. */
  readonly at: string;
  readonly wave: number;
  readonly lanes: number;
  readonly duty: number;
  readonly rowsPerRequest: number;
  readonly boxSeconds: number;
  readonly why: string;
}

/** The first decisions show how the run settled, the last ones how it ended; what lies between makes room. */
const keptFirst = 20;
const keptLast = 40;

export function note(decisions: readonly Decision[], wave: number, grant: Grant, at: string): readonly Decision[] {
  const { lanes, duty, rowsPerRequest, boxSeconds, why } = grant;
  if (why === null) return decisions;
  const next = { at, wave, lanes, duty: Math.round(duty * 1_000) / 1_000, rowsPerRequest, boxSeconds, why };
  if (decisions.length < keptFirst + keptLast) return [...decisions, next];
  return [...decisions.slice(0, keptFirst), ...decisions.slice(keptFirst + 1), next];
}
