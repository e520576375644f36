import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/dataverse/client.ts';
import type { ClientRequest } from '../../../src/dataverse/client-request.ts';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { MalformedAnswerError } from '../../../src/dataverse/errors.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import { whoAmI } from '../../../src/dataverse/who-am-i.ts';
import { guid, harness, instantClock, refuse, type Reply } from './support.ts';
import { MockAgent } from 'undici';

const request: ClientRequest<string> = {
  method: 'POST',
  path: 'fan_cities',
  body: Buffer.from('{}'),
  repeatable: true,
  deadlineAtMs: Infinity,
  read: (answer) => answer.body,
};

const reset = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const ok: Reply = { status: 200, body: 'ok' };
/** Gives the replies in order, the last one for ever. */
const inOrder =
  (...replies: (Reply | Error)[]) =>
  (_: unknown, index: number) =>
    replies[Math.min(index, replies.length - 1)] ?? ok;

describe('the client', () => {
  it('sends the headers every request needs, and a request id of its own for each attempt', async () => {
    const { client, seen } = harness(inOrder({ status: 503 }, ok));
    await client.send({ ...request, headers: { 'content-type': 'application/json' } });
    expect(seen[0]).toMatchObject({
      method: 'POST',
      path: '/api/data/v9.2/fan_cities',
      body: '{}',
      headers: {
        accept: 'application/json',
        'odata-version': '4.0',
        'odata-maxversion': '4.0',
        'if-none-match': 'null',
        authorization: 'Bearer token-1',
        'content-type': 'application/json',
      },
    });
    const ids = seen.map(({ headers }) => headers['x-ms-client-request-id']);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('waits for a throttle as told, without jitter and without using up an attempt', async () => {
    const throttle = refuse(429, '0x80072326', 'Number of concurrent requests exceeded the limit of 52.', {
      'retry-after': '37',
    });
    const { client, seen, clock } = harness(inOrder(throttle, throttle, throttle, throttle, throttle, throttle, ok));
    const log = newSendLog();
    const sent = await client.send({ ...request, log });
    expect(clock.slept).toEqual(Array.from({ length: 6 }, () => 37_000));
    expect(sent).toMatchObject({ value: 'ok', attempts: 1, maybeCommittedBefore: false });
    expect(seen).toHaveLength(7);
    expect(log.requests).toBe(7);
    expect(log.throttles).toEqual(Array.from({ length: 6 }, () => ({ facet: 'concurrency', retryAfterMs: 37_000 })));
  });

  it('throws when a throttle lasts beyond the deadline, and refuses what comes after without sending it', async () => {
    const throttle = refuse(429, '0x80072321', 'Combined execution time', { 'retry-after': '120' });
    const { client, seen, clock } = harness(inOrder(throttle));
    const deadlineAtMs = clock.now() + 60_000;
    for (let time = 0; time < 2; time += 1) {
      await expect(client.send({ ...request, deadlineAtMs })).rejects.toMatchObject({
        kind: 'throttled',
        facet: 'executionTime',
        retryAfterMs: 120_000,
      });
    }
    expect(seen).toHaveLength(1);
    expect(clock.slept).toEqual([]);
  });

  it('repeats what got no decision, up to five attempts with growing pauses', async () => {
    const { client, seen, clock } = harness(inOrder({ status: 502, body: '<html>Bad gateway</html>' }), {
      random: 0.5,
    });
    await expect(client.send(request)).rejects.toMatchObject({
      kind: 'transient',
      httpStatus: 502,
      maybeCommitted: true,
      exhausted: true,
    });
    expect(seen).toHaveLength(5);
    expect(clock.slept).toEqual([500, 1_000, 2_000, 4_000]);
  });

  it('tells whether an earlier attempt may have taken effect', async () => {
    const sentOnly = await harness(inOrder(refused(), ok)).client.send(request);
    expect(sentOnly).toMatchObject({ attempts: 2, maybeCommittedBefore: false });
    const lost = await harness(inOrder(reset(), ok)).client.send(request);
    expect(lost).toMatchObject({ attempts: 2, maybeCommittedBefore: true });
  });

  it('remembers a lost answer through failures that came later', async () => {
    const { client } = harness(inOrder(reset(), refused()));
    await expect(client.send(request)).rejects.toMatchObject({ kind: 'transient', maybeCommitted: true });
  });

  it('never repeats what must not be repeated, unless nothing was sent', async () => {
    const once = harness(inOrder(reset(), ok));
    await expect(once.client.send({ ...request, repeatable: false })).rejects.toMatchObject({ kind: 'transient' });
    expect(once.seen).toHaveLength(1);
    const unsent = harness(inOrder(refused(), ok));
    await expect(unsent.client.send({ ...request, repeatable: false })).resolves.toMatchObject({ value: 'ok' });
  });

  it('does not pause beyond the deadline', async () => {
    const { client, seen, clock } = harness(inOrder({ status: 503 }));
    await expect(client.send({ ...request, deadlineAtMs: clock.now() + 2_500 })).rejects.toMatchObject({
      kind: 'transient',
      exhausted: false,
    });
    expect(seen).toHaveLength(2);
  });

  it('gives a busy server the pause it asks for', async () => {
    const { client, clock } = harness(inOrder({ status: 503, headers: { 'retry-after': '7' } }, ok), { random: 0 });
    await client.send(request);
    expect(clock.slept).toEqual([0, 7_000]);
  });

  it.each([
    ['a code of a busy server', refuse(429, '0x80048105', 'x', { 'retry-after': '11' })],
    ['no error object', { status: 429, body: '<html></html>', headers: { 'retry-after': '11' } }],
    ['half an error object', { status: 429, body: '{"error":{"co', headers: { 'retry-after': '11' } }],
  ])('waits as told by a 429 with %s', async (_, reply) => {
    const { client, clock } = harness(inOrder(reply, ok));
    expect(await client.send(request)).toMatchObject({ attempts: 1, maybeCommittedBefore: false });
    expect(clock.slept).toEqual([11_000]);
  });

  it('gives a pause to everybody else where a plug-in refused the row with it', async () => {
    const { client, clock } = harness(inOrder(refuse(429, '0x80040265', 'no more', { 'retry-after': '11' }), ok));
    await expect(client.send(request)).rejects.toMatchObject({ kind: 'batchRejected' });
    await client.send(request);
    expect(clock.slept).toEqual([11_000]);
  });

  it('waits for the longest of several waits', async () => {
    const headers = { 'retry-after': ['60', '10'] } as unknown as Record<string, string>;
    const { client, clock } = harness(inOrder({ ...refuse(429, '0x80072322'), headers }, ok));
    await client.send(request);
    expect(clock.slept).toEqual([60_000]);
  });

  it('takes an answer that is not complete for none', async () => {
    const { client, seen } = harness(inOrder({ status: 200, body: '{"Ids":[' }, ok));
    const sent = await client.send({
      ...request,
      read(answer) {
        if (answer.body !== 'ok') throw new MalformedAnswerError('cut');
        return answer.body;
      },
    });
    expect(sent).toMatchObject({ attempts: 2, maybeCommittedBefore: true });
    expect(seen).toHaveLength(2);
  });

  it('replaces a refused token once', async () => {
    const renewed = harness(inOrder({ status: 401, body: 'HTTP Error 401' }, ok));
    expect(await renewed.client.send(request)).toMatchObject({ value: 'ok', attempts: 1 });
    expect(renewed.seen.map(({ headers }) => headers['authorization'])).toEqual(['Bearer token-1', 'Bearer token-2']);
    const hopeless = harness(inOrder({ status: 401, body: 'HTTP Error 401' }));
    await expect(hopeless.client.send(request)).rejects.toMatchObject({
      kind: 'requestRejected',
      httpStatus: 401,
      message: "The environment refuses the access token of the app's identity, also a fresh one: HTTP Error 401",
    });
    expect(hopeless.refreshed).toEqual(['token-1']);
    expect(hopeless.seen).toHaveLength(2);
  });

  it('hands on the claims that a refusal asks for, and says when the platform has no other token', async () => {
    const claims = '{"access_token":{}}';
    const challenge = `Bearer error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`;
    const refusal = { status: 401, body: 'no', headers: { 'www-authenticate': challenge } };
    const { client, refreshed } = harness(inOrder(refusal), { keepsToken: true });
    await expect(client.send(request)).rejects.toThrow(
      'the platform, which may keep it for a day, gave no other one: no',
    );
    expect(refreshed).toEqual([`token-1 ${claims}`]);
  });

  it('asks for a fresh token once, and then for the one that is valid', async () => {
    const throttle = refuse(429, '0x80072322', 'x', { 'retry-after': '3' });
    const { client, seen, refreshed } = harness(inOrder({ status: 401 }, throttle, { status: 503 }, ok));
    await client.send(request);
    expect(refreshed).toEqual(['token-1']);
    expect(seen.slice(1).map(({ headers }) => headers['authorization'])).toEqual(Array(3).fill('Bearer token-2'));
  });

  it('asks for a fresh token for each identity whose token was refused', async () => {
    const isFresh = (authorization: string | undefined) => /token-[23]/.test(authorization ?? '');
    const throttle = refuse(429, '0x80072322', 'x', { 'retry-after': '3' });
    const { client, refreshed } = harness(
      ({ headers }, index) =>
        index === 1 ? throttle : isFresh(headers['authorization']) && index > 2 ? ok : { status: 401 },
      { senders: 2 },
    );
    await client.send(request);
    expect(refreshed).toHaveLength(2);
  });

  it('sends nothing when it finds itself long behind its deadline: whoever was frozen has been replaced', async () => {
    const { client, seen, clock } = harness(inOrder(ok));
    const late = { ...request, deadlineAtMs: clock.now() - 120_001 };
    await expect(client.send(late)).rejects.toMatchObject({ kind: 'transient', maybeCommitted: false });
    expect(seen).toHaveLength(0);
    await client.send({ ...request, deadlineAtMs: clock.now() - 119_999 });
    expect(seen).toHaveLength(1);
  });

  it('follows no redirect', async () => {
    const { client, seen } = harness(inOrder({ status: 302, headers: { location: 'https://evil.example/' } }));
    await expect(client.send(request)).rejects.toMatchObject({ kind: 'requestRejected', httpStatus: 302 });
    expect(seen).toHaveLength(1);
  });

  it('ends at once on what no row can get past', async () => {
    const { client, seen } = harness(
      inOrder(
        refuse(403, '0x80072560', 'The user is not a member of the organization.', { 'x-ms-service-request-id': 'r' }),
      ),
    );
    await expect(client.send(request)).rejects.toMatchObject({
      kind: 'requestRejected',
      httpStatus: 403,
      serviceErrorCode: '0x80072560',
      serviceRequestId: 'r',
    });
    expect(seen).toHaveLength(1);
  });

  it('ends with the caller’s reason when the caller gives up', async () => {
    const stop = new AbortController();
    const { client, seen } = harness(() => {
      stop.abort(new Error('cancelled'));
      return { status: 503 };
    });
    await expect(client.send({ ...request, signal: stop.signal })).rejects.toThrow('cancelled');
    expect(seen).toHaveLength(1);
  });

  it('does not let a request out whose token was fetched while the gate closed', async () => {
    const clock = instantClock();
    const gates = createIdentityGates({ clock });
    const sent: number[] = [];
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent
      .get('https://contoso.crm4.dynamics.com')
      .intercept({ path: () => true, method: 'POST' })
      .reply(() => {
        sent.push(clock.now());
        return { statusCode: 204, data: '' };
      })
      .persist();
    const startMs = clock.now();
    const get = async () => {
      // A throttle that another request met while this one waited for its token.
      if (clock.now() === startMs)
        gates.at(null).throttled({ closings: 0 }, { facet: 'requests', retryAfterMs: 7_000 });
      return 't';
    };
    const client = createClient({
      connection: { name: 'test', url: 'https://contoso.crm4.dynamics.com', clientIds: [], allowLoopbackHttp: false },
      senders: [{ tokens: { get, refresh: get }, gates }],
      dispatcher: agent,
      clock,
      random: () => 0,
    });
    await client.send(request);
    expect(sent).toEqual([startMs + 7_000]);
  });

  it('refuses a connection that a token must not be sent to', () => {
    const clock = instantClock();
    expect(() =>
      createClient({
        connection: { name: 'prod', url: 'http://contoso.crm4.dynamics.com', clientIds: [], allowLoopbackHttp: true },
        senders: [
          { tokens: { get: async () => 't', refresh: async () => 't' }, gates: createIdentityGates({ clock }) },
        ],
        dispatcher: new MockAgent(),
        clock,
        random: Math.random,
      }),
    ).toThrow('Connection prod: the URL must start with https:, not http:.');
  });
});

describe('whoAmI', () => {
  it('brings ids and the recommended parallelism', async () => {
    const body = JSON.stringify({ UserId: guid(1).toUpperCase(), OrganizationId: guid(2), BusinessUnitId: guid(3) });
    const { client, seen } = harness(() => ({ status: 200, headers: { 'x-ms-dop-hint': '12' }, body }));
    expect(await whoAmI(client)).toEqual({ userId: guid(1), organizationId: guid(2), dopHint: 12 });
    expect(seen[0]?.path).toBe('/api/data/v9.2/WhoAmI');
  });

  it('does without a recommendation', async () => {
    const body = JSON.stringify({ UserId: guid(1), OrganizationId: guid(2) });
    const { client } = harness(() => ({ status: 200, headers: { 'x-ms-dop-hint': 'plenty' }, body }));
    expect(await whoAmI(client)).toEqual({ userId: guid(1), organizationId: guid(2) });
  });
});
