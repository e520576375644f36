import { createHash } from 'node:crypto';
import type { Settings } from '../settings/settings.ts';
import type { Random } from '../basics/random.ts';

export interface Route {
  readonly server: number;
  /** The request's affinity cookie asked for a server; this one, unless that is out. */
  readonly pinned: boolean;
}

/** Spreads requests over the servers; a request with a known affinity cookie goes back to its server. */
export class ServerRouting {
  readonly #random: Random;
  readonly #byCookie = new Map<string, number>();
  readonly #cookies: string[] = [];
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  cookieOf(server: number): string {
    for (let index = this.#cookies.length; index <= server; index += 1) {
      const cookie = createHash('sha256').update(`server ${index}`).digest('hex');
      this.#cookies.push(cookie);
      this.#byCookie.set(cookie, index);
    }
    return this.#cookies[server] ?? '';
  }

  /** `undefined`: every server is out. */
  choose({ servers, serversOut, routing }: Settings, cookieHeader: string | undefined): Route | undefined {
    const usable = Array.from({ length: servers }, (_, index) => index).filter(
      (server) => !serversOut.includes(server),
    );
    const cookie = /(?:^|;\s*)ARRAffinity=([0-9a-f]+)/.exec(cookieHeader ?? '')?.[1];
    const pinned = cookie === undefined ? undefined : this.#byCookie.get(cookie);
    if (pinned !== undefined && usable.includes(pinned)) return { server: pinned, pinned: true };
    if (usable.length === 0) return undefined;
    const index = routing === 'random' ? Math.floor(this.#random.next() * usable.length) : this.#next++ % usable.length;
    return { server: usable[index] ?? 0, pinned: pinned !== undefined };
  }
}
