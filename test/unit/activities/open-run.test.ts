import { describe, expect, it } from 'vitest';
import { createOpenRun } from '../../../src/activities/open-run.ts';
import type { Client } from '../../../src/dataverse/client.ts';
import { systemClock } from '../../../src/dataverse/clock.ts';
import { RequestRejectedError, ThrottledError } from '../../../src/dataverse/errors.ts';
import { createServerClock } from '../../../src/dataverse/server-clock.ts';
import { createTableMemory } from '../../../src/dataverse/table-memory.ts';
import { accountSpec } from '../../support/spec.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

const csv = Buffer.from('name\nx\n');

async function open(error: Error) {
  const spec = accountSpec('create');
  const ledger = createMemoryLedger();
  const pin = { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: csv.length };
  await ledger.accept({ runId: 'r', spec, pin, createdAt: '2026-01-01T00:00:00Z' });
  const client: Client = {
    clock: systemClock,
    origin: 'https://contoso.crm4.dynamics.com',
    senderCount: 1,
    tables: createTableMemory(),
    serverClock: createServerClock(),
    send: async () => Promise.reject(error),
    pinnedBy: () => client,
    keepWait: () => undefined,
  };
  const source = {
    pin: async () => pin,
    read: async (_pin: unknown, from: number, to: number) => csv.subarray(from, to),
    stream: async () => Promise.reject(new Error('nothing is to be streamed')),
  };
  return createOpenRun({ ledger, source, clientOf: () => client, recallWaits: async () => undefined })({
    runId: 'r',
    spec,
  });
}

describe('opening a run', () => {
  it('waits as long as the environment orders, which is no fault', async () => {
    const throttled = new ThrottledError({ facet: 'requests', retryAfterMs: 89_500 });
    expect(await open(throttled)).toEqual({ waitSeconds: 90 });
  });

  it('tells a refusal of the environment as a fault of the connection', async () => {
    expect(await open(new RequestRejectedError('no such user', {}))).toEqual({
      faults: [{ pointer: '/connection', detail: 'Connection "main": no such user' }],
    });
  });
});
