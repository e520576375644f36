import type { Random } from '../basics/random.ts';

/** `batch` is the frame of a `$batch`; each operation in it adds one `batchOperation`. */
export type RequestKind = 'single' | 'bulk' | 'batch' | 'batchOperation' | 'read';
export type RowWork = 'create' | 'update' | 'upsert' | 'upsertByKey' | 'delete';

/** What a request makes the server do: known before it runs. */
export interface Work {
  readonly kind: RequestKind;
  readonly isWrite: boolean;
  readonly rows: Readonly<Partial<Record<RowWork, number>>>;
  /** What custom logic adds, whatever the load is. */
  readonly extraMs?: number;
  /** Names what has to be prepared when it is used for the first time. */
  readonly firstUse?: string;
}

export interface LatencySettings {
  readonly overheadMs: Readonly<Record<RequestKind, number>>;
  readonly rowMs: Readonly<Record<RowWork, number>>;
  /** Requests running at once in the whole environment up to which they do not hinder each other; `null`: no contention. */
  readonly knee: number | null;
  /** 1: throughput stays level above the knee; larger: it falls. */
  readonly kneeExponent: number;
  /** Standard deviation of the logarithm of the noise factor (mean 1). */
  readonly noiseSigma: number;
  readonly tailProbability: number;
  readonly tailFactor: number;
  /** Part of the duration that is charged as execution time. */
  readonly executionShare: number;
  /** Writes executed at once; the rest wait in line without any refusal. `null`: no such line. */
  readonly writePool: number | null;
}

export interface Duration {
  /** From arrival to response. */
  readonly totalMs: number;
  /** Charged against the execution-time limit; waiting in line is not. */
  readonly executionMs: number;
}

/** t = overhead + rows x cost x contention x noise. Pure but for the injected chance and its own line of writes. */
export class LatencyModel {
  #settings: LatencySettings;
  readonly #random: Random;
  /** When each place of the write pool becomes free; first come, first served. */
  #placesFreeAtMs: number[] = [];

  constructor(settings: LatencySettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  configure(settings: LatencySettings): void {
    if (settings.writePool !== this.#settings.writePool) this.#placesFreeAtMs = [];
    this.#settings = settings;
  }

  /** `running`: requests in execution in the whole environment, this one included. */
  duration(work: Work, running: number, nowMs: number): Duration {
    const extraMs = work.extraMs ?? 0;
    const unhinderedMs = this.#baseMs(work);
    if (unhinderedMs + extraMs === 0) return { totalMs: 0, executionMs: 0 };
    const overheadMs = this.#settings.overheadMs[work.kind];
    const workMs = (unhinderedMs - overheadMs) * this.#contention(running);
    const serviceMs = (overheadMs + workMs) * this.#noise() + extraMs;
    const waitMs = work.isWrite ? this.#waitInLine(nowMs, serviceMs) : 0;
    return { totalMs: waitMs + serviceMs, executionMs: serviceMs * this.#settings.executionShare };
  }

  /** Mean of `duration` without contention and queue: what plans and ceilings are computed from. */
  meanMs(work: Work): number {
    const { tailProbability, tailFactor } = this.#settings;
    return this.#baseMs(work) * (1 + tailProbability * (tailFactor - 1));
  }

  #baseMs(work: Work): number {
    const { overheadMs, rowMs } = this.#settings;
    let sum = overheadMs[work.kind];
    for (const kind of ['create', 'update', 'upsert', 'upsertByKey', 'delete'] as const) {
      sum += (work.rows[kind] ?? 0) * rowMs[kind];
    }
    return sum;
  }

  #contention(running: number): number {
    const { knee, kneeExponent } = this.#settings;
    return knee === null || running <= knee ? 1 : (running / knee) ** kneeExponent;
  }

  #noise(): number {
    const { noiseSigma, tailProbability, tailFactor } = this.#settings;
    const noise = noiseSigma === 0 ? 1 : Math.exp(noiseSigma * this.#random.normal() - (noiseSigma * noiseSigma) / 2);
    return tailProbability > 0 && this.#random.next() < tailProbability ? noise * tailFactor : noise;
  }

  #waitInLine(nowMs: number, serviceMs: number): number {
    const { writePool } = this.#settings;
    if (writePool === null) return 0;
    while (this.#placesFreeAtMs.length < writePool) this.#placesFreeAtMs.push(0);
    let place = 0;
    for (let index = 1; index < writePool; index += 1) {
      if ((this.#placesFreeAtMs[index] ?? 0) < (this.#placesFreeAtMs[place] ?? 0)) place = index;
    }
    const startMs = Math.max(nowMs, this.#placesFreeAtMs[place] ?? 0);
    this.#placesFreeAtMs[place] = startMs + serviceMs;
    return startMs - nowMs;
  }
}
