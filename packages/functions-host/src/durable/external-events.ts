import type { HistoryEvent } from './history.ts';
import type { Done } from './numbered-work.ts';

/** External events of an execution and those who wait for them. Of several waits for one name the latest is served first. */
export class ExternalEvents {
  readonly #waits = new Map<string, Done[]>();
  /** Events that nobody waited for yet, oldest first. */
  readonly #early = new Map<string, HistoryEvent[]>();

  wait(name: string, done: Done): void {
    const event = this.#early.get(name)?.shift();
    if (event) done({ ok: true, event });
    else listOf(this.#waits, name).push(done);
  }

  raise(event: HistoryEvent): void {
    const name = event.Name ?? '';
    const done = this.#waits.get(name)?.pop();
    if (done) done({ ok: true, event });
    else listOf(this.#early, name).push(event);
  }
}

function listOf<T>(lists: Map<string, T[]>, name: string): T[] {
  let list = lists.get(name);
  if (!list) {
    list = [];
    lists.set(name, list);
  }
  return list;
}
