import type { Environment } from './world.ts';

/** Sizes of requests that the service takes (src/plan/bounds.ts says why 1,000). */
const sizes = [1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100, 120, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1_000];

export interface Ceiling {
  readonly rowsPerSecond: number;
  readonly inFlight: number;
  readonly rowsPerRequest: number;
  readonly binding: 'execution time' | 'requests' | 'concurrency' | 'servers';
}

/**
 * The physical maximum of an environment for one user: the best rate that any client could sustain, of all sizes of requests and all numbers in
 * flight, if its requests were spread over the servers to perfection and every moment were used. Little's law with the emulator's mean
 * durations; it knows nothing of the law.
 */
export function ceilingOf(
  environment: Environment,
  options: { size?: number; foreignInFlight?: number } = {},
): Ceiling {
  let best: Ceiling = { rowsPerSecond: 0, inFlight: 0, rowsPerRequest: 0, binding: 'servers' };
  for (const rowsPerRequest of options.size === undefined ? sizes : [options.size]) {
    for (let inFlight = 0.5; inFlight <= 400; inFlight *= 1.01) {
      const at = rateAt(environment, inFlight, rowsPerRequest, options.foreignInFlight ?? 0);
      if (at.rowsPerSecond > best.rowsPerSecond) best = { ...at, inFlight, rowsPerRequest };
    }
  }
  return best;
}

function rateAt(
  { servers, limits, latency, work, badShare }: Environment,
  inFlight: number,
  rows: number,
  foreignInFlight: number,
): Pick<Ceiling, 'rowsPerSecond' | 'binding'> {
  const cells = limits.scope === 'shared' ? 1 : servers;
  const windowSeconds = limits.windowMs / 1_000;
  const served = Math.min(inFlight, latency.writePool ?? Infinity);
  const running = inFlight + foreignInFlight;
  const contention = latency.knee === null ? 1 : Math.max(1, (running / latency.knee) ** latency.kneeExponent);
  const spoilt = 1 - (1 - badShare) ** rows;
  const again = spoilt * (latency.overheadMs.batch + rows * (latency.overheadMs.batchOperation + latency.rowMs[work]));
  const mean = 1 + latency.tailProbability * (latency.tailFactor - 1);
  const seconds = ((latency.overheadMs.bulk + rows * latency.rowMs[work] * contention + again) * mean) / 1_000;
  const bounds = {
    servers: served / seconds,
    'execution time':
      limits.executionTimeMs === null
        ? Infinity
        : ((limits.executionTimeMs / 1_000 / windowSeconds) * cells) / (seconds * latency.executionShare),
    requests: limits.requests === null ? Infinity : (limits.requests * cells) / windowSeconds,
    concurrency: (Math.min(limits.concurrency ?? Infinity, limits.writeConcurrency ?? Infinity) * cells) / seconds,
  };
  const order = ['execution time', 'requests', 'concurrency', 'servers'] as const;
  const binding = order.reduce((least, bound) => (bounds[bound] < bounds[least] ? bound : least));
  return { rowsPerSecond: bounds[binding] * rows, binding };
}
