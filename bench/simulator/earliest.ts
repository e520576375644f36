import { changeAtSeconds, type Scenario } from './scenarios.ts';
import { maximum, play, type Strategy } from './simulate.ts';
import type { Environment } from './world.ts';

/** The rate has to be there at once, and to last for a window: bursts come and go. */
export const meansAfterChange = [30, 300];
/** So that a change comes at another moment of a box with every seed. */
export const startOf = (seed: number): number => (seed * 17) % 120;

/** Longer than any window remembers. */
const watchedSeconds = 330 + Math.max(...meansAfterChange);

/**
 * When a client that has done the same until a change, and then knows everything, could first be at a rate that lasts: it sends nothing until
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
  const secondsPerSecond = options.rowsPerSecond / rowsPerExecutionSecond;
  const room: number[] = [];
  play(scenario, strategy, {
    seed,
    startSeconds: startOf(seed),
    seconds: changeAtSeconds + watchedSeconds,
    watch: (second, world) => {
      if (second < changeAtSeconds) return;
      world.hush();
      room.push(world.roomSeconds('us'));
    },
  });
  const hasRoom = (at: number): boolean =>
    meansAfterChange.every((during) => (room[at + during] ?? 0) >= secondsPerSecond * during);
  const earliest = room.findIndex((_, at) => hasRoom(at));
  return earliest < 0 ? null : earliest;
}
