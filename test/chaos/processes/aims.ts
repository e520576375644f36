import { canary } from './load.ts';
import type { Passing } from './proxy.ts';

/** Where the host is killed, by what passes the proxies: between two statements of the built app that nothing else tells apart. */
export interface Aim {
  readonly what: string;
  readonly through: 'storage' | 'environment';
  readonly when: 'arrived' | 'answered';
  readonly fits: (passing: Passing) => boolean;
  /** There is one such request in a run, or many. */
  readonly isOnce?: true;
  /** Not once, but each time: something in the request kills whoever sends it. */
  readonly isEach?: true;
  /** Only a redrive has it. */
  readonly isOfRedrive?: true;
}

const puts =
  (blob: RegExp) =>
  ({ method, url }: Passing): boolean =>
    method === 'PUT' && blob.test(url.split('?')[0] ?? '');

/** A write to the table, by bulk message, batch or request of its own. */
const writes = ({ method, url, body }: Passing): boolean =>
  method !== 'GET' && url.startsWith('/api/data/') && !body.includes('\r\nGET ');

/** A row of every load, by its own value. */
const isPoison = (passing: Passing): boolean => writes(passing) && passing.body.includes(`${canary} 77"`);

const storage = (what: string, when: Aim['when'], blob: RegExp, more: Partial<Aim> = {}): Aim => ({
  what,
  through: 'storage',
  when,
  fits: puts(blob),
  ...more,
});
const once = { isOnce: true } as const;
const ofRedrive = { isOnce: true, isOfRedrive: true } as const;

export const aims: readonly [Aim, ...Aim[]] = [
  { what: 'before a send arrives', through: 'environment', when: 'arrived', fits: writes },
  { what: 'after a send, before its answer', through: 'environment', when: 'answered', fits: writes },
  storage('after a send, before its part', 'arrived', /\/parts\//),
  storage('after a part, before the activity returns', 'answered', /\/parts\//),
  storage('before a mark', 'arrived', /\/intents\//),
  storage('after a mark, before the send', 'answered', /\/intents\//),
  storage('after the manifest, before the start', 'answered', /\/manifest\.json$/, once),
  storage('after the mapping', 'answered', /\/mapping\.json$/, once),
  storage('before the index', 'arrived', /\/index\.bin$/, once),
  storage('after the index', 'answered', /\/index\.bin$/, once),
  storage('between failures and report', 'answered', /\/failures\.csv$/, once),
  storage('before the report', 'arrived', /\/report\.json$/, once),
  storage('between report and completion', 'answered', /\/report\.json$/, once),
  storage('after the spooled rows, before their numbers', 'answered', /\/spool\.rows$/, ofRedrive),
  storage('after the spool', 'answered', /\/spool\.json$/, ofRedrive),
  { what: 'each time before row 77 arrives', through: 'environment', when: 'arrived', fits: isPoison, isEach: true },
  { what: 'each time row 77 is answered', through: 'environment', when: 'answered', fits: isPoison, isEach: true },
];
