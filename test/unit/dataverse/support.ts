import { MockAgent } from 'undici';
import { createClient, type Client } from '../../../src/dataverse/client.ts';
import type { Clock } from '../../../src/dataverse/clock.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import type { WriteTarget } from '../../../src/dataverse/write-rows.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import { RowMembers } from '../../../src/mapping/row-members.ts';

export const origin = 'https://contoso.crm4.dynamics.com';

/** A clock on which sleeping takes no time; `slept` lists every wait. */
export function instantClock(): Clock & { readonly slept: number[] } {
  let nowMs = 1_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
    },
  };
}

/** A clock that moves only when told to. */
export function manualClock(): Clock & { advance(ms: number): Promise<void>; set(ms: number): void } {
  let nowMs = 0;
  let sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => nowMs,
    set: (ms) => (nowMs = ms),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: nowMs + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason as Error);
        });
      }),
    async advance(ms) {
      const until = nowMs + ms;
      for (;;) {
        await settle();
        const next = sleepers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        nowMs = Math.max(nowMs, next.at);
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        next.wake();
      }
      nowMs = until;
      await settle();
    },
  };
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** The same for an operation that is sent as a request of its own. */
  readonly alone?: Reply;
}

/** Answers request by request; an `Error` breaks the connection instead. */
export type Script = (seen: Seen, index: number) => Reply | Error;

export interface Harness {
  readonly client: Client;
  readonly seen: Seen[];
  readonly clock: ReturnType<typeof instantClock>;
  readonly refreshed: string[];
}

export function harness(
  script: Script,
  options: { readonly random?: number; readonly senders?: number; readonly keepsToken?: boolean } = {},
): Harness {
  const clock = instantClock();
  const seen: Seen[] = [];
  const refreshed: string[] = [];
  const agent = new MockAgent();
  agent.disableNetConnect();
  const pool = agent.get(origin);
  for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
    pool
      .intercept({ path: () => true, method })
      .reply((request) => {
        const one: Seen = {
          method,
          path: request.path,
          headers: request.headers as Record<string, string>,
          body: textOf(request.body),
        };
        seen.push(one);
        const scripted = script(one, seen.length - 1);
        if (scripted instanceof Error) throw scripted;
        const reply = isBatch(one) ? scripted : (scripted.alone ?? scripted);
        return {
          statusCode: reply.status,
          data: reply.body ?? '',
          responseOptions: { headers: reply.headers ?? {} },
        };
      })
      .persist();
  }
  let token = 1;
  const tokenOf = (sender: number) => (sender === 0 ? `token-${token}` : `token-${token} of ${sender}`);
  const client = createClient({
    connection: { name: 'test', url: origin, clientIds: [], allowLoopbackHttp: false },
    senders: Array.from({ length: options.senders ?? 1 }, (_, index) => ({
      tokens: {
        get: async () => tokenOf(index),
        refresh: async (refused: string, claims?: string) => {
          refreshed.push(claims === undefined ? refused : `${refused} ${claims}`);
          if (options.keepsToken !== true) token += 1;
          return tokenOf(index);
        },
      },
      gates: createIdentityGates({ clock }),
    })),
    dispatcher: agent,
    clock,
    random: () => options.random ?? 1,
  });
  return { client, seen, clock, refreshed };
}

export const isBatch = (seen: Seen) => seen.path.endsWith('/$batch');
export const isBulk = (seen: Seen) => seen.path.includes('/Microsoft.Dynamics.CRM.');

function textOf(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : typeof body === 'string' ? body : '';
}

export function refuse(status: number, code: string, message = 'refused', headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; odata.metadata=minimal', ...headers },
    body: JSON.stringify({ error: { code, message } }),
  };
}

export function guid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

export function row(n: number, members = `"name":"row ${n}"`): EncodedRow {
  return { row: n, from: n * 10, to: n * 10 + 10, members: RowMembers.of(members), key: { kind: 'id', id: guid(n) } };
}

/** A row whose id the engine made. */
export function madeRow(n: number): EncodedRow {
  return { ...row(n), key: { kind: 'id', id: guid(n), made: true } };
}

export function rowByKey(n: number, predicate: string): EncodedRow {
  return { ...row(n), key: { kind: 'alternate', predicate } };
}

export const standardTable: WriteTarget = {
  logicalName: 'fan_city',
  entitySetName: 'fan_cities',
  primaryIdColumn: 'fan_cityid',
  tableType: 'Standard',
  bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: false },
};

export const noOptions = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;

/** A batch answer with one part for each status or refusal. */
export function batchAnswer(
  parts: readonly (number | { status: number; json: unknown } | { status: number; code: string; message?: string })[],
  headers: Record<string, string> = {},
): Reply {
  const lines = parts.flatMap((part) => {
    const status = typeof part === 'number' ? part : part.status;
    const body = typeof part === 'number' ? '' : JSON.stringify(jsonOf(part));
    return [
      '--batchresponse_1',
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `HTTP/1.1 ${status} Some Reason`,
      'OData-Version: 4.0',
      '',
      body,
      '',
    ];
  });
  const [part] = parts;
  return {
    status: 200,
    headers: { 'content-type': 'multipart/mixed; boundary=batchresponse_1', ...headers },
    body: [...lines, '--batchresponse_1--', ''].join('\r\n'),
    ...(part !== undefined && parts.length === 1 && { alone: replyOf(part, headers) }),
  };
}

function replyOf(
  part: number | { status: number; json: unknown } | { status: number; code: string },
  headers: Record<string, string>,
): Reply {
  if (typeof part === 'number') return { status: part, headers };
  return {
    status: part.status,
    headers: { 'content-type': 'application/json; odata.metadata=minimal', ...headers },
    body: JSON.stringify(jsonOf(part)),
  };
}

function jsonOf(part: { json: unknown } | { code: string; message?: string }): unknown {
  return 'json' in part ? part.json : { error: { code: part.code, message: part.message ?? 'refused' } };
}

/** The operations of a batch request, or the one of another request, as `METHOD path`. */
export function operationsOf(seen: Seen): string[] {
  if (!isBatch(seen)) return [`${seen.method} ${seen.path}`];
  return [...seen.body.matchAll(/\r\n\r\n([A-Z]+ \S+) HTTP\/1\.1\r\n/g)].map((match) => match[1] ?? '');
}
