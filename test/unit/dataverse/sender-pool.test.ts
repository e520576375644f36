import { describe, expect, it } from 'vitest';
import type { ClientRequest } from '../../../src/dataverse/client-request.ts';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { createSenderPool, type Sender } from '../../../src/dataverse/sender-pool.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import { whoAmI } from '../../../src/dataverse/who-am-i.ts';
import { guid, harness, instantClock, refuse, type Script } from './support.ts';

const told = { facet: 'requests', retryAfterMs: 60_000 } as const;

function pool(count: number) {
  const clock = instantClock();
  const senders = Array.from({ length: count }, (): Sender => ({
    tokens: { get: async () => '', refresh: async () => '' },
    gates: createIdentityGates({ clock }),
  }));
  const made = createSenderPool(senders);
  return { clock, senders, made, turns: (n: number) => Array.from({ length: n }, () => senders.indexOf(made.pick())) };
}

describe('the identities of a connection', () => {
  it('take turns', () => {
    expect(pool(3).turns(7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it('take as many turns as was recommended to each, spread evenly', () => {
    const { made, senders, turns } = pool(2);
    made.noteHint(senders[0]!, 6);
    made.noteHint(senders[1]!, 2);
    const order = turns(80);
    expect(order.filter((sender) => sender === 1)).toHaveLength(20);
    expect(order.join('')).not.toMatch(/0000|11/);
  });

  it('are left out while they have to wait, and come back', async () => {
    const { senders, turns, clock } = pool(3);
    senders[1]!.gates.at(null).throttled({ closings: 0 }, told);
    expect(turns(4)).toEqual([0, 2, 0, 2]);
    await clock.sleep(60_000);
    expect(new Set(turns(3))).toEqual(new Set([0, 1, 2]));
  });

  it('wait for the shortest wait when all have to', () => {
    const { senders, turns } = pool(3);
    for (const [index, retryAfterMs] of [50_000, 20_000, 90_000].entries()) {
      senders[index]!.gates.at(null).throttled({ closings: 0 }, { facet: 'requests', retryAfterMs });
    }
    expect(turns(3)).toEqual([1, 1, 1]);
  });

  it('are recommended to together what was recommended to each', () => {
    const { made, senders } = pool(2);
    expect(made.noteHint(senders[0]!, 6)).toBe(12);
    expect(made.noteHint(senders[1]!, 4)).toBe(10);
  });

  it('must be one at least', () => {
    expect(() => createSenderPool([])).toThrow('at least one identity');
  });
});

describe('a client with two identities', () => {
  const request: ClientRequest<number> = {
    method: 'POST',
    path: 'x',
    repeatable: true,
    deadlineAtMs: Infinity,
    read: ({ status }) => status,
  };
  const tokensOf = (seen: readonly { headers: Readonly<Record<string, string>> }[]) =>
    seen.map(({ headers }) => headers['authorization']);
  const open = (script: Script) => harness(script, { senders: 2 });

  it('goes on at once under the other one when the first is throttled', async () => {
    const { client, seen, clock } = open((_, index) =>
      index === 0 ? refuse(429, '0x80072322', 'x', { 'retry-after': '300' }) : { status: 204 },
    );
    const log = newSendLog();
    for (let n = 0; n < 3; n += 1) await client.send({ ...request, log });
    expect(tokensOf(seen)).toEqual([
      'Bearer token-1',
      'Bearer token-1 of 1',
      'Bearer token-1 of 1',
      'Bearer token-1 of 1',
    ]);
    expect(clock.slept).toEqual([]);
    expect(log.throttles).toHaveLength(1);
  });

  it('refreshes the token of each once', async () => {
    const { client, refreshed } = open(({ headers }) => ({
      status: headers['authorization']?.includes('token-1') === true ? 401 : 204,
    }));
    await client.send(request);
    await client.send(request);
    await client.send(request);
    expect(refreshed).toEqual(['token-1']);
    const stubborn = open(() => ({ status: 401 }));
    await expect(stubborn.client.send(request)).rejects.toMatchObject({ kind: 'requestRejected', httpStatus: 401 });
    expect(tokensOf(stubborn.seen)).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('finds out that one of them is not let in', async () => {
    const body = JSON.stringify({ UserId: guid(1), OrganizationId: guid(2) });
    const { client } = open(({ headers }) =>
      headers['authorization']?.endsWith('of 1') === true ? refuse(403, '0x80072560') : { status: 200, body },
    );
    await expect(whoAmI(client)).rejects.toMatchObject({ kind: 'requestRejected', serviceErrorCode: '0x80072560' });
  });

  it('sums up what is recommended to them', async () => {
    const body = JSON.stringify({ UserId: guid(1), OrganizationId: guid(2) });
    const { client } = open((_, index) => ({
      status: 200,
      headers: { 'x-ms-dop-hint': index === 0 ? '4' : '10' },
      body,
    }));
    expect(await whoAmI(client)).toMatchObject({ dopHint: 14 });
  });
});
