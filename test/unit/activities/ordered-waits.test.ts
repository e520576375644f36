import { describe, expect, it } from 'vitest';
import { createLiveProgress } from '../../../src/activities/live-progress.ts';
import { createWaitRecall } from '../../../src/activities/wait-recall.ts';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { createServerPin } from '../../../src/dataverse/server-pin.ts';
import { keepWaits, type OrderedWait } from '../../../src/plan/ordered-wait.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';
import { harness, manualClock, refuse, settle, type Reply } from '../dataverse/support.ts';

const startMs = 1_000_000;
const at = (seconds: number) => new Date(startMs + seconds * 1_000).toISOString();
const request = {
  method: 'POST',
  path: 'fan_cities',
  repeatable: true,
  deadlineAtMs: startMs + 60_000,
  read: () => undefined,
} as const;
const throttle = (seconds: number, server = 'a'): Reply => ({
  ...refuse(429, '0x80072321'),
  headers: { 'retry-after': String(seconds), 'set-cookie': `ARRAffinity=${server}; path=/` },
});

/** A host that sends one request of a run and is told to wait; it never gets further. */
async function hearAndDie(ledger: MemoryLedger, seconds: number, pin?: ReturnType<typeof createServerPin>) {
  const { client } = harness(() => throttle(seconds), { senders: 2 });
  const live = createLiveProgress(ledger, 'first host', manualClock());
  const log = newSendLog((wait) => live.ordered('r', 3, wait));
  const sending = (pin === undefined ? client : client.pinnedBy(pin)).send({ ...request, sender: 1, log });
  await expect(sending).rejects.toMatchObject({ kind: 'throttled' });
  await settle();
}

async function nextHost(ledger: MemoryLedger) {
  const host = harness(() => ({ status: 204 }), { senders: 2 });
  await createWaitRecall(ledger, host.clock)('r', host.client);
  return host;
}

describe('a wait that a host was ordered before it died', () => {
  it('is kept by the next one, for the identity that was told', async () => {
    const ledger = createMemoryLedger();
    await hearAndDie(ledger, 200);
    const { client, seen, clock } = await nextHost(ledger);
    await expect(client.send({ ...request, sender: 1 })).rejects.toMatchObject({
      kind: 'throttled',
      facet: 'executionTime',
      retryAfterMs: 200_000,
    });
    expect(seen).toHaveLength(0);
    await client.send({ ...request, sender: 0 });
    expect([seen.length, clock.slept]).toEqual([1, []]);
  });

  it('binds only the server that ordered it, where servers count for themselves', async () => {
    const ledger = createMemoryLedger();
    await hearAndDie(ledger, 200, createServerPin({ server: 'a', independent: true }));
    const { client, seen } = await nextHost(ledger);
    const pinned = (server: string) => client.pinnedBy(createServerPin({ server, independent: true }));
    await expect(pinned('a').send({ ...request, sender: 1 })).rejects.toMatchObject({ kind: 'throttled' });
    expect(seen).toHaveLength(0);
    await pinned('b').send({ ...request, sender: 1 });
    expect(seen).toHaveLength(1);
  });

  it('is over when it is over', async () => {
    const ledger = createMemoryLedger();
    await hearAndDie(ledger, 90);
    const host = harness(() => ({ status: 204 }), { senders: 2 });
    await host.clock.sleep(90_000);
    await createWaitRecall(ledger, host.clock)('r', host.client);
    await host.client.send({ ...request, sender: 1 });
    expect(host.clock.slept).toEqual([90_000]);
  });

  it('does not send those back who know of it', async () => {
    const { client, clock, seen } = harness((_, index) => (index === 0 ? throttle(10) : { status: 204 }));
    const heard: OrderedWait[] = [];
    await client.send({ ...request, log: newSendLog((wait) => heard.push(wait)) });
    expect(heard).toEqual([{ sender: 0, server: null, facet: 'executionTime', notBeforeAt: at(10) }]);
    for (const wait of heard) client.keepWait(wait);
    await client.send(request);
    expect([seen.length, clock.slept]).toEqual([3, [10_000]]);
  });

  it('is asked for once by lanes that set off together, and a failure is no reason not to send', async () => {
    let asked = 0;
    const clock = manualClock();
    const ledger = {
      readLive: async () => {
        asked += 1;
        return Promise.reject(new Error('Storage does not answer.'));
      },
    };
    const recall = createWaitRecall(ledger, clock);
    const { client } = harness(() => ({ status: 204 }));
    await Promise.all([recall('r', client), recall('r', client)]);
    expect(asked).toBe(1);
    clock.set(1_000);
    await recall('r', client);
    expect(asked).toBe(2);
  });
});

describe('the progress of a host', () => {
  const wait = { sender: 0, server: null, facet: 'requests', notBeforeAt: at(200) } as const;

  it('is written now and then, and at once when a wait is ordered, which goes on with the next wave', async () => {
    const ledger = createMemoryLedger();
    const clock = manualClock();
    clock.set(startMs);
    const live = createLiveProgress(ledger, 'h', clock);
    const written = () => ledger.run('r').live.get('h');
    live.add('r', 1, { rows: 10, counts: { created: 10 }, requests: 1 });
    await clock.advance(1_499);
    expect(written()).toBeUndefined();
    live.ordered('r', 1, wait);
    await settle();
    expect(written()).toMatchObject({ wave: 1, rows: 10, waits: [wait] });
    live.add('r', 2, { rows: 5 });
    await clock.advance(1_500);
    expect(written()).toMatchObject({ wave: 2, rows: 5, waits: [wait] });
  });

  it('is that of the wave that goes on, whatever a lane of an earlier one still meets; its wait counts all the same', async () => {
    const ledger = createMemoryLedger();
    const clock = manualClock();
    clock.set(startMs);
    const live = createLiveProgress(ledger, 'h', clock);
    live.add('r', 2, { rows: 5 });
    live.add('r', 1, { rows: 100 });
    live.ordered('r', 1, wait);
    await settle();
    expect(ledger.run('r').live.get('h')).toMatchObject({ wave: 2, rows: 5, waits: [wait] });
  });

  it('says nothing of a wait that is over before anybody else could be there', async () => {
    const ledger = createMemoryLedger();
    const clock = manualClock();
    clock.set(startMs);
    createLiveProgress(ledger, 'h', clock).ordered('r', 1, { ...wait, notBeforeAt: at(2) });
    await settle();
    expect(ledger.run('r').live.size).toBe(0);
  });

  it('keeps the longest wait of each identity and server, and no more than a few', () => {
    const waits: OrderedWait[] = [
      { ...wait, notBeforeAt: at(50) },
      wait,
      { ...wait, server: 'a', notBeforeAt: at(300) },
      { ...wait, server: 'b' },
      { ...wait, sender: 1, notBeforeAt: at(20) },
      { ...wait, sender: 2, notBeforeAt: at(5) },
    ];
    expect(keepWaits(waits, startMs + 10_000)).toEqual([waits[2], waits[1], waits[4]]);
    const many = Array.from({ length: 100 }, (_, n) => ({ ...wait, server: `s${n}`, notBeforeAt: at(100 + n) }));
    expect(keepWaits(many, startMs)).toHaveLength(16);
  });
});
