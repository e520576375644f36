import type { Settings } from '../settings/settings.ts';

/** What `x-ms-dop-hint` says, answer by answer. */
export class Hints {
  #answers = 0;

  next({ hint, hintTurns }: Settings): number | string | undefined {
    if (hintTurns === null) return hint ?? undefined;
    const turn = Math.floor(this.#answers / hintTurns.requests);
    this.#answers += 1;
    return hintTurns.values[turn % hintTurns.values.length];
  }
}
