import { LatencyModel, createRandom, profiles } from 'dataverse-emulator';

export interface Drain {
  readonly lanes: number;
  readonly rowsPerRequest: number;
  readonly tailProbability: number;
  readonly boxSeconds: number;
}

const boxes = 5_000;

/**
 * Share of the lanes' time that is lost because all of them wait for the request that ends last, by the emulator's latency model over many boxes: what
 * one measured box shows depends on whether a slow request happens to be on its way when it ends.
 */
export function expectedDrain({ lanes, rowsPerRequest, tailProbability, boxSeconds }: Drain): number {
  const documented = profiles.get('documented-4');
  if (documented === undefined) throw new Error('There is no profile documented-4.');
  const model = new LatencyModel({ ...documented.latency, tailProbability }, createRandom(1));
  const work = { kind: 'bulk', isWrite: true, rows: { create: rowsPerRequest } } as const;
  let [lostMs, wholeMs] = [0, 0];
  for (let box = 0; box < boxes; box += 1) {
    const ends = Array.from({ length: lanes }, () => {
      let atMs = 0;
      while (atMs < boxSeconds * 1_000) atMs += model.duration(work, lanes, 0).totalMs;
      return atMs;
    });
    const last = Math.max(...ends);
    wholeMs += last * lanes;
    lostMs += ends.reduce((sum, end) => sum + last - end, 0);
  }
  return lostMs / wholeMs;
}
