import { isObject, tryParse } from '../json.ts';
import type { Decision } from './decisions.ts';
import type { HistoryEvent } from './history.ts';
import { nonDeterminism } from './replay-rules.ts';

/** Called when an action is over: with the event that ended it, where there was one. */
export type Done = (ended: { readonly ok: boolean; readonly event?: HistoryEvent }) => void;

/** A decision that has no number yet. */
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/**
 * Who waits for a piece of work: the execution as a whole (for an activity or a child, for a timer), nobody (a cancelled timer), or
 * the reply to a message.
 */
export type Waiting = 'open' | 'timer' | 'detached' | 'reply';

/** The numbered work of an execution: what it asked for, what the history confirms, and who waits for what. */
export class NumberedWork {
  #nextId = 0;
  /** Decisions that no history event has confirmed yet. */
  readonly #pending = new Map<number, Decision>();
  readonly #waiting = {
    open: new Map<number, Done>(),
    timer: new Map<number, Done>(),
    detached: new Map<number, Done>(),
    reply: new Map<number, Done>(),
  };
  /** Entity calls and locks under way, by request id. */
  readonly #replies = new Map<string, Done>();

  /** Takes the next number. `decide` may use it, for ids that derive from it. */
  add(decide: (id: number) => Unnumbered<Decision>, waiting?: readonly [Waiting, Done]): void {
    const id = this.#nextId++;
    this.#pending.set(id, { ...decide(id), id });
    if (waiting) this.#waiting[waiting[0]].set(id, waiting[1]);
  }

  /** What is new, in the order of the numbers. */
  get unconfirmed(): readonly Decision[] {
    return [...this.#pending.values()];
  }

  /** Whether activities, children and timers are under way: an execution does not end before they do. */
  get hasOpen(): boolean {
    return this.#waiting.open.size + this.#waiting.timer.size > 0;
  }

  /** How many activities and children are under way. */
  get awaited(): number {
    return this.#waiting.open.size;
  }

  /** The history holds this work already. Throws ReplayError if it holds something else under that number. */
  confirm(event: HistoryEvent, kind: Decision['kind']): void {
    const decision = this.#pending.get(event.EventId);
    if (decision?.kind !== kind || !isSame(decision, event)) throw nonDeterminism(event, kind, decision);
    this.#pending.delete(event.EventId);
    const waiting = this.#waiting.reply.get(event.EventId);
    if (waiting) this.#awaitReply(event, waiting);
  }

  /** The request id was drawn when the message was sent, so the reply carries the recorded one. */
  #awaitReply(event: HistoryEvent, waiting: Done): void {
    this.#waiting.reply.delete(event.EventId);
    const request = tryParse(event.Input ?? '');
    if (isObject(request) && typeof request['id'] === 'string') this.#replies.set(request['id'], waiting);
  }

  /** A piece of work has ended; what nobody knows is ignored. */
  settle(id: number | undefined, ended: Parameters<Done>[0]): void {
    if (id === undefined) return;
    const { open, timer, detached } = this.#waiting;
    const list = [open, timer, detached].find((one) => one.has(id));
    const done = list?.get(id);
    list?.delete(id);
    done?.(ended);
  }

  /** Whether an event is the reply to one of the messages. */
  reply(event: HistoryEvent): boolean {
    const name = event.Name ?? '';
    const done = this.#replies.get(name);
    this.#replies.delete(name);
    done?.({ ok: true, event });
    return done !== undefined;
  }
}

function isSame(decision: Decision, event: HistoryEvent): boolean {
  switch (decision.kind) {
    case 'task':
    case 'child':
      return decision.name === event.Name;
    case 'message':
      return decision.instanceId === event.InstanceId;
    case 'timer':
      return true;
  }
}
