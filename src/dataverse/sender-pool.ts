import type { ThrottleGate } from './throttle-gate.ts';
import type { TokenSource } from './tokens.ts';

/** One application user of a connection. Service protection limits are per user, so each has a gate of its own. */
export interface Sender {
  readonly tokens: TokenSource;
  readonly gate: ThrottleGate;
}

/** Deals requests out over the senders of one connection. */
export interface SenderPool {
  readonly senders: readonly Sender[];
  /**
   * Whose turn it is: weighted round robin over those that may send now, each weighted by the parallelism last recommended to it. When
   * all have to wait, the one whose wait ends first.
   */
  pick(): Sender;
  /** Takes down a recommendation. Returns what is recommended to all senders together: it is given per user. */
  noteHint(sender: Sender, hint: number): number;
}

interface Turn {
  readonly sender: Sender;
  hint: number | undefined;
  /** Grows by the weight until the turn comes. */
  credit: number;
}

export function createSenderPool(senders: readonly Sender[]): SenderPool {
  const turns = senders.map((sender): Turn => ({ sender, hint: undefined, credit: 0 }));
  const [first] = turns;
  if (first === undefined) throw new RangeError('A connection needs at least one identity.');
  const highestHint = () => Math.max(1, ...turns.map(({ hint }) => hint ?? 1));

  return {
    senders,
    pick() {
      const ready = turns.filter(({ sender }) => sender.gate.waitMs() === 0);
      if (ready.length === 0) {
        return turns.reduce((best, turn) => (turn.sender.gate.waitMs() < best.sender.gate.waitMs() ? turn : best))
          .sender;
      }
      const unheard = highestHint();
      let next: Turn | undefined;
      let total = 0;
      for (const turn of ready) {
        const weight = turn.hint ?? unheard;
        turn.credit += weight;
        total += weight;
        if (next === undefined || turn.credit > next.credit) next = turn;
      }
      const chosen = next ?? first;
      chosen.credit -= total;
      return chosen.sender;
    },
    noteHint(sender, hint) {
      const turn = turns.find((one) => one.sender === sender);
      if (turn !== undefined) turn.hint = hint;
      return turns.reduce((sum, one) => sum + (one.hint ?? hint), 0);
    },
  };
}
