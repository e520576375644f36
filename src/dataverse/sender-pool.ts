import type { IdentityGates } from './identity-gates.ts';
import type { TokenSource } from './tokens.ts';

/** One application user of a connection. Service protection limits are per user, so each has gates of its own. */
export interface Sender {
  readonly tokens: TokenSource;
  readonly gates: IdentityGates;
}

/** Deals requests out over the senders of one connection. */
export interface SenderPool {
  readonly senders: readonly Sender[];
  /**
   * Whose turn it is to send to a server (null: any): weighted round robin over those that may send there now, each weighted by the parallelism last recommended to it. When
   * all have to wait, the one whose wait ends first.
   */
  pick(server?: string | null): Sender;
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
    pick(server = null) {
      const waitMs = ({ sender }: Turn): number => sender.gates.at(server).waitMs();
      const ready = turns.filter((turn) => waitMs(turn) === 0);
      if (ready.length === 0) {
        return turns.reduce((best, turn) => (waitMs(turn) < waitMs(best) ? turn : best)).sender;
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
