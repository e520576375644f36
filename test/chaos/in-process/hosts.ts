import type { Random } from '../random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** One life of the host process. What runs in it stops for ever when it is killed, and for a while when it is frozen. */
export interface Host {
  readonly id: number;
  alive: boolean;
  /** Frozen until then. */
  frozenUntilMs: number;
  /** Settles when the host is killed or frozen: its work is then given to another. */
  readonly lost: Promise<void>;
  lose: () => void;
}

export interface HostFaults {
  /** Chance that an await of an activity is where the host dies. */
  readonly kill: number;
  readonly freeze: number;
  /** Chance that a storage call fails, half of the time after it took effect. */
  readonly storage: number;
}

/** The hosts of one run, one after the other. */
export class Hosts {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #faults: HostFaults;
  #current: Host;
  #left = 0;
  kills = 0;
  /** Faults of every kind that have happened. */
  strikes = 0;
  /** From `arm` to `heal`: faults that come again and again, whatever their number. */
  areFaultsOn = false;

  constructor(clock: VirtualClock, random: Random, faults: HostFaults) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
    this.#current = newHost(0);
  }

  get current(): Host {
    return this.#current;
  }

  /** From here on so many faults may happen. */
  arm(mostFaults: number): void {
    this.#left = mostFaults;
    this.areFaultsOn = true;
  }

  /** Ends all faults. */
  heal(): void {
    this.#left = 0;
    this.areFaultsOn = false;
  }

  kill(): void {
    const { current } = this;
    this.kills += 1;
    this.strikes += 1;
    current.alive = false;
    this.#next(current);
  }

  /** What a host did has killed it. */
  async die(host: Host): Promise<never> {
    if (host === this.#current) this.kill();
    host.alive = false;
    return new Promise<never>(() => undefined);
  }

  /** One await of an activity: the call, with what may go wrong around it. */
  async at<T>(host: Host, call: () => Promise<T>, kind: 'storage' | 'send' | 'other'): Promise<T> {
    // Nothing can keep a process that freezes right before it sends from sending when it wakes.
    await this.#point(host, kind !== 'send');
    if (kind === 'storage' && this.#strikes(this.#faults.storage)) {
      if (this.#random.chance(0.5)) await call();
      throw new Error('Storage does not answer.');
    }
    const result = await call();
    await this.#point(host, true);
    return result;
  }

  async #point(host: Host, mayFreeze: boolean): Promise<void> {
    if (host === this.#current) {
      if (this.#strikes(this.#faults.kill)) this.kill();
      else if (mayFreeze && this.#strikes(this.#faults.freeze)) this.#freeze(host);
    }
    if (!host.alive) await new Promise<never>(() => undefined);
    while (host.frozenUntilMs > this.#clock.now()) await this.#clock.until(host.frozenUntilMs);
  }

  #strikes(probability: number): boolean {
    if (this.#left === 0 || !this.#random.chance(probability)) return false;
    this.#left -= 1;
    this.strikes += 1;
    return true;
  }

  #freeze(host: Host): void {
    host.frozenUntilMs = this.#clock.now() + this.#random.between(1, 400) * 1_000;
    this.#next(host);
  }

  #next(before: Host): void {
    this.#current = newHost(before.id + 1);
    before.lose();
  }
}

function newHost(id: number): Host {
  let lose = (): void => undefined;
  const lost = new Promise<void>((resolve) => (lose = resolve));
  return { id, alive: true, frozenUntilMs: 0, lost, lose };
}
