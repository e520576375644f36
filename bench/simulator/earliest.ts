import { changeAtSeconds, type Scenario } from './scenarios.ts';
import { maximum, play, type Strategy } from './simulate.ts';
import type { Environment } from './world.ts';

/** A shorter mean than that of a minute would take the next best burst for the new rate. */
export const measuredAfterChange = 60;
/** So that a change comes at another moment of a box with every seed. */
export const startOf = (seed: number): number => (seed * 17) % 120;

/** Longer than any window remembers. */
const watchedSeconds = 330;

/**
 * When a client that has done the same until a change, and then knows everything, could first have a minute at a rate: it sends nothing until
 * then, and all that the windows admit in it, in requests of the best size. In seconds from the change; null where execution time is not what limits.
 */
export function earliestAt(
  scenario: Scenario,
  strategy: Strategy,
  options: { readonly seed: number; readonly environment: Environment; readonly rowsPerSecond: number },
): number | null {
  const { environment, seed } = options;
  const { executionTimeMs, windowMs, scope } = environment.limits;
  if (executionTimeMs === null) return null;
  const cells = scope === 'shared' ? 1 : environment.servers;
  const rowsPerExecutionSecond = maximum(scenario, { environment }) / ((cells * executionTimeMs) / windowMs);
  const wanted = (options.rowsPerSecond * measuredAfterChange) / rowsPerExecutionSecond;
  const reached: number[] = [];
  play(scenario, strategy, {
    seed,
    startSeconds: startOf(seed),
    seconds: changeAtSeconds + watchedSeconds,
    watch: (second, world) => {
      if (second < changeAtSeconds) return;
      world.hush();
      if (world.roomSeconds('us') >= wanted) reached.push(second - changeAtSeconds);
    },
  });
  const [earliest] = reached;
  return earliest === undefined ? null : Math.max(0, earliest - measuredAfterChange);
}
