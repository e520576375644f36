import { describe, expect, it } from 'vitest';
import { refusalMessage } from '../../../src/limits/refusal-message.ts';
import { ServiceProtection, type Admission, type Refusal } from '../../../src/limits/service-protection.ts';
import { profiles } from '../../../src/settings/profiles.ts';
import type { LimitSettings } from '../../../src/limits/limit-settings.ts';

const documented = profiles.get('documented')!.limits;
const limits = (changes: Partial<LimitSettings> = {}): LimitSettings => ({ ...documented, ...changes });

const arrive = (
  model: ServiceProtection,
  nowMs: number,
  { user = 'u', server = 0, isWrite = true } = {},
): Admission | Refusal => model.tryAdmit({ user, server, isWrite, nowMs });

/** Admits and completes at once. */
function pass(
  model: ServiceProtection,
  nowMs: number,
  executionMs = 0,
  options: { user?: string; server?: number } = {},
): void {
  const admission = arrive(model, nowMs, options);
  if (!admission.admitted) throw new Error(`refused at ${nowMs}`);
  model.complete(admission.ticket, nowMs, executionMs);
}

describe('ServiceProtection', () => {
  it('refuses the request after the limit, and admits again when the oldest leaves the window', () => {
    const model = new ServiceProtection(limits({ requests: 3 }));
    for (const at of [0, 1000, 2000]) pass(model, at);
    const refused = arrive(model, 10_000);
    expect(refused).toEqual({ admitted: false, facet: 'requests', limit: 3, retryAfterSeconds: 290 });
    expect(arrive(model, 300_000).admitted).toBe(true);
  });

  it('charges execution time at completion and refuses only the next arrival', () => {
    const model = new ServiceProtection(limits());
    const running = [1, 2, 3].map(() => arrive(model, 0));
    for (const admission of running) if (admission.admitted) model.complete(admission.ticket, 100_000, 400_000);
    expect(arrive(model, 100_000)).toMatchObject({ facet: 'executionTime', limit: 1_200_000, retryAfterSeconds: 300 });
    expect(arrive(model, 400_000).admitted).toBe(true);
  });

  it('refuses more requests at once than allowed, and frees the slot on completion', () => {
    const model = new ServiceProtection(limits({ concurrency: 2 }));
    const first = arrive(model, 0);
    arrive(model, 0);
    expect(arrive(model, 0)).toMatchObject({ facet: 'concurrency', limit: 2, retryAfterSeconds: 30 });
    if (first.admitted) model.complete(first.ticket, 10, 10);
    expect(arrive(model, 40_000).admitted).toBe(true);
  });

  it('has a lower gauge for writes that does not stop reads', () => {
    const model = new ServiceProtection(limits({ concurrency: 10, writeConcurrency: 1 }));
    arrive(model, 0);
    expect(arrive(model, 0)).toMatchObject({ facet: 'concurrency', limit: 1 });
    expect(arrive(model, 0, { isWrite: false }).admitted).toBe(true);
  });

  it('keeps users apart, and servers when the scope is the server', () => {
    const perServer = new ServiceProtection(limits({ requests: 1 }));
    pass(perServer, 0);
    pass(perServer, 0, 0, { user: 'v' });
    pass(perServer, 0, 0, { server: 1 });
    const shared = new ServiceProtection(limits({ requests: 1, scope: 'shared' }));
    pass(shared, 0);
    expect(arrive(shared, 0, { server: 1 }).admitted).toBe(false);
  });

  it('never refuses what is switched off', () => {
    const model = new ServiceProtection(limits({ requests: null, executionTimeMs: null, concurrency: null }));
    for (let index = 0; index < 10_000; index += 1) pass(model, index, 1_000_000);
  });

  it('lengthens the wait by half for each early request, up to the maximum, and counts them', () => {
    const model = new ServiceProtection(limits({ requests: 1 }));
    pass(model, 0);
    const told = [0, 10_000, 20_000, 30_000, 40_000].map((at) => arrive(model, at));
    expect(told.map((item) => !item.admitted && item.retryAfterSeconds)).toEqual([300, 450, 500, 500, 500]);
    expect(model.counters().get('u')).toMatchObject({
      earlyRetries: 4,
      refused: { requests: 5, executionTime: 0, concurrency: 0 },
    });
  });

  it('takes what was under way when the refusal was answered for no early retry', () => {
    const model = new ServiceProtection(limits({ requests: 1 }));
    pass(model, 0);
    const told = [0, 100, 200, 499].map((at) => arrive(model, at));
    expect(told.map((item) => !item.admitted && item.retryAfterSeconds)).toEqual([300, 300, 300, 300]);
    expect(model.counters().get('u')?.earlyRetries).toBe(0);
  });

  it('counts nothing early for a client that waits what it was told', () => {
    const model = new ServiceProtection(limits({ requests: 2 }));
    let now = 0;
    for (let round = 0; round < 20; round += 1) {
      const answer = arrive(model, now);
      if (answer.admitted) model.complete(answer.ticket, now, 0);
      now += answer.admitted ? 1 : answer.retryAfterSeconds * 1000;
    }
    expect(model.counters().get('u')).toMatchObject({ earlyRetries: 0 });
    expect(model.counters().get('u')!.refused.requests).toBeGreaterThan(5);
  });

  it('counts an early request to another server too, because the wait is told to the user', () => {
    const model = new ServiceProtection(limits({ requests: 1 }));
    pass(model, 0);
    arrive(model, 0);
    expect(arrive(model, 5000, { server: 1 }).admitted).toBe(true);
    expect(model.counters().get('u')).toMatchObject({ earlyRetries: 1, earlyRetriesInScope: 0 });
    arrive(model, 6000);
    expect(model.counters().get('u')).toMatchObject({ earlyRetries: 2, earlyRetriesInScope: 1 });
    model.resetCounters();
    expect(model.counters().get('u')).toMatchObject({ earlyRetries: 0, earlyRetriesInScope: 0 });
  });

  it('keeps the gauge of what runs when the window changes or everything is forgotten', () => {
    const model = new ServiceProtection(limits({ concurrency: 1 }));
    arrive(model, 0);
    model.configure(limits({ concurrency: 1, windowMs: 5000 }));
    expect(arrive(model, 10).admitted).toBe(false);
    model.forget();
    expect(arrive(model, 20)).toMatchObject({ admitted: false, retryAfterSeconds: 30 });
  });

  it('measures a request that asked for its server by what that server told, unless servers count together', () => {
    const early = (scope: 'perServer' | 'shared', server: number): number | undefined => {
      const model = new ServiceProtection(limits({ concurrency: 1, scope }));
      arrive(model, 0);
      arrive(model, 0);
      model.tryAdmit({ user: 'u', server, isWrite: true, nowMs: 2_000, pinned: true });
      return model.counters().get('u')?.earlyRetries;
    };
    expect(early('perServer', 1)).toBe(0);
    expect(early('perServer', 0)).toBe(1);
    expect(early('shared', 1)).toBe(1);
  });

  it('tells the same wait every time when it is fixed', () => {
    const retryAfter = { ...documented.retryAfter, model: 'fixed', fixedSeconds: 7, earlyGraceMs: 0 } as const;
    const model = new ServiceProtection(limits({ concurrency: 0, retryAfter }));
    const waits = [0, 1000, 2000, 60_000].map((at) => {
      const answer = arrive(model, at);
      return answer.admitted ? 0 : answer.retryAfterSeconds;
    });
    expect(waits).toEqual([7, 7, 7, 7]);
    expect(model.counters().get('u')?.earlyRetries).toBe(2);
  });

  it('admits an early request that the gauge allows, or refuses it when set so', () => {
    const outcome = (early: 'judge' | 'refuse'): boolean => {
      const model = new ServiceProtection(limits({ concurrency: 1, retryAfter: { ...documented.retryAfter, early } }));
      const first = arrive(model, 0);
      arrive(model, 0);
      if (first.admitted) model.complete(first.ticket, 100, 100);
      return arrive(model, 5000).admitted;
    };
    expect([outcome('judge'), outcome('refuse')]).toEqual([true, false]);
  });

  it('does not count refused requests against the limit unless told to', () => {
    const remainingAfterRefusal = (countRefused: boolean): number => {
      const model = new ServiceProtection(limits({ requests: 10, concurrency: 1, countRefused }));
      arrive(model, 0);
      arrive(model, 0);
      return model.remaining('u', 0, 0).requests;
    };
    expect([remainingAfterRefusal(false), remainingAfterRefusal(true)]).toEqual([9, 8]);
  });

  it('remembers a pause imposed from outside', () => {
    const model = new ServiceProtection(limits());
    model.impose({ user: 'u', server: 0, isWrite: true, nowMs: 0 }, 'requests', 20);
    arrive(model, 10_000);
    arrive(model, 20_000);
    expect(model.counters().get('u')).toMatchObject({ earlyRetries: 1, refused: { requests: 1 } });
  });

  it('tracks the highest number at once and what remains', () => {
    const model = new ServiceProtection(limits());
    const tickets = [1, 2, 3].map(() => arrive(model, 0));
    for (const item of tickets) if (item.admitted) model.complete(item.ticket, 10, 2500);
    expect(model.counters().get('u')).toMatchObject({ peakRunning: 3, requests: 3, executionTimeMs: 7500 });
    expect(model.remaining('u', 0, 10)).toEqual({ requests: 5997, executionTimeMs: 1_192_500 });
  });
});

describe('refusalMessage', () => {
  it.each([
    ['requests', 6000, '0x80072322', 'Number of requests exceeded the limit of 6000 over time window of 300 seconds.'],
    ['executionTime', 1_200_000, '0x80072321', 'Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.'],
    ['concurrency', 52, '0x80072326', 'Number of concurrent requests exceeded the limit of 52.'],
  ] as const)('has code and text of %s', (facet, limit, code, message) => {
    expect(refusalMessage({ facet, limit }, documented)).toEqual({ code, message });
  });
}); // prettier-ignore
