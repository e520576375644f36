import { describe, expect, it } from 'vitest';
import { createServerPin, readAmount } from '../../../src/dataverse/server-pin.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import { harness, instantClock } from './support.ts';

const answered = (server: string, more: Record<string, string | string[]> = {}) => ({
  status: 204,
  headers: { 'set-cookie': [`ARRAffinity=${server}; path=/; secure; HttpOnly`, 'ReqClientId=x; path=/'], ...more },
});
const request = { method: 'POST', path: 'x', repeatable: true, deadlineAtMs: Infinity, read: () => undefined } as const;

describe('a pinned client', () => {
  it('sends back the affinity cookie it was given, no other, and none before', async () => {
    const { client, seen } = harness(() => answered('aa11'));
    const pin = createServerPin({ server: null, independent: true });
    const pinned = client.pinnedBy(pin);
    await pinned.send(request);
    await pinned.send(request);
    expect(seen.map(({ headers }) => headers['cookie'])).toEqual([undefined, 'ARRAffinity=aa11']);
    expect(pin).toMatchObject({ server: 'aa11', gone: undefined });
    await client.send(request);
    expect(seen[2]?.headers['cookie']).toBeUndefined();
  });

  it('notices that another server answers, and stays there', async () => {
    const { client } = harness((_, at) => answered(at === 0 ? 'aa11' : 'bb22'));
    const pin = createServerPin({ server: 'aa11', independent: true });
    await client.pinnedBy(pin).send(request);
    expect(pin.gone).toBeUndefined();
    await client.pinnedBy(pin).send(request);
    expect(pin).toMatchObject({ server: 'bb22', gone: 'aa11' });
  });

  it('hears what is left, from the first answer to the latest', async () => {
    const left = (requests: number, seconds: string) =>
      answered('aa11', {
        'x-ms-ratelimit-burst-remaining-xrm-requests': String(requests),
        'x-ms-ratelimit-time-remaining-xrm-requests': seconds,
      });
    const { client } = harness((_, at) => left(5_999 - at, at === 0 ? '1,199.97' : '1,051.83'));
    const pin = createServerPin({ server: null, independent: true });
    await client.pinnedBy(pin).send(request);
    await client.pinnedBy(pin).send(request);
    expect(pin.left).toEqual({ firstRequests: 5_999, lastRequests: 5_998, seconds: 1_051.83 });
  });

  it('notices that the headers have fallen silent, and believes no refusal and no single answer', async () => {
    const told = {
      'x-ms-ratelimit-burst-remaining-xrm-requests': '5999',
      'x-ms-ratelimit-time-remaining-xrm-requests': '9',
    };
    const busy = { 'retry-after': '1', 'content-type': 'application/json' };
    const answers = [
      answered('aa11', told),
      answered('aa11'),
      { ...answered('aa11', busy), status: 429 },
      answered('aa11'),
    ];
    const { client } = harness((_, at) => answers[at] ?? answered('aa11', told));
    const pin = createServerPin({ server: null, independent: true });
    await client.pinnedBy(pin).send(request);
    await client.pinnedBy(pin).send(request);
    expect(pin).toMatchObject({ silent: false, left: { seconds: 9 } });
    await client.pinnedBy(pin).send(request);
    expect(pin).toMatchObject({ silent: true, left: undefined });
    await client.pinnedBy(pin).send(request);
    expect(pin).toMatchObject({ silent: false, left: { seconds: 9 } });
  });

  it.each([
    ['7999', 7_999],
    ['1,199.97', 1_199.97],
    ['100,000,000.00', 100_000_000],
    [' 0 ', 0],
    ['1.199,97', undefined],
    ['1,19', undefined],
    ['-5', undefined],
    ['NaN', undefined],
    ['', undefined],
  ])('reads "%s" as %s', (text, amount) => {
    expect(readAmount(text)).toBe(amount);
  });
});

describe('the gates of an identity', () => {
  const told = { facet: 'executionTime', retryAfterMs: 30_000 } as const;
  const waits = (gates: ReturnType<typeof createIdentityGates>) =>
    ['a', 'b', null].map((server) => gates.at(server).waitMs() > 0);

  it('hold up only what may reach the server that told the wait, where servers count for themselves', () => {
    const gates = createIdentityGates({ clock: instantClock() });
    gates.at('a').throttled({ closings: 0 }, told);
    gates.spread(told, { own: gates.at('a'), by: 'a', independent: true });
    expect(waits(gates)).toEqual([true, false, true]);
  });

  it('hold up everything otherwise, and servers that nobody has asked for yet', async () => {
    const clock = instantClock();
    for (const from of [
      { asked: 'a', by: 'a', independent: false },
      { asked: null, by: null, independent: true },
    ]) {
      const gates = createIdentityGates({ clock });
      gates.at('a');
      const own = gates.at(from.asked);
      own.throttled({ closings: 0 }, told);
      gates.spread(told, { ...from, own });
      expect(waits(gates)).toEqual([true, true, true]);
      expect(gates.at('new').waitMs()).toBe(30_000);
    }
  });

  it('hold up a server that nobody has asked for yet until the longest wait is over, whichever was told last', () => {
    const gates = createIdentityGates({ clock: instantClock() });
    const from = { own: gates.at('a'), by: 'a', independent: false };
    gates.spread(told, from);
    gates.spread({ facet: 'requests', retryAfterMs: 2_000 }, from);
    expect(gates.at('new').waitMs()).toBe(30_000);
  });

  it('hold up a server whose gate had to make room while a request was on its way there', () => {
    const gates = createIdentityGates({ clock: instantClock() });
    const own = gates.at('a');
    for (let server = 0; server < 100; server += 1) gates.at(`s${server}`);
    own.throttled({ closings: 0 }, told);
    gates.spread(told, { own, by: 'a', independent: true });
    expect(gates.at('a').waitMs()).toBe(30_000);
  });

  it('keep the number of gates bounded, and those that are closed', () => {
    const gates = createIdentityGates({ clock: instantClock() });
    gates.at('closed').throttled({ closings: 0 }, told);
    for (let server = 0; server < 1_000; server += 1) gates.at(`s${server}`);
    expect(gates.at('closed').waitMs()).toBe(30_000);
  });
});
