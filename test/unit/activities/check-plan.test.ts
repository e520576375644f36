import { describe, expect, it } from 'vitest';
import { createCheckPlan } from '../../../src/activities/check-plan.ts';
import type { Client } from '../../../src/dataverse/client.ts';
import { systemClock } from '../../../src/dataverse/clock.ts';
import { RequestRejectedError, ThrottledError, TransientError } from '../../../src/dataverse/errors.ts';
import { createServerClock } from '../../../src/dataverse/server-clock.ts';
import { createTableMemory } from '../../../src/dataverse/table-memory.ts';
import { accountSpec } from '../../support/spec.ts';
import { memorySource } from '../../support/memory-source.ts';

const rows = { count: 2, exact: true, least: 2, most: 2 };

/** What a plan finds of a file of these lines in an environment that answers like this. */
async function check(send: () => Promise<never>, text = 'name\nx\ny\n', patienceMs = 60_000) {
  const client: Client = {
    clock: systemClock,
    serverClock: createServerClock(),
    origin: 'https://contoso.crm4.dynamics.com',
    senderCount: 1,
    tables: createTableMemory(),
    keepWait: () => undefined,
    send,
    pinnedBy: () => client,
  };
  const { source, pin } = memorySource(Buffer.from(text));
  return createCheckPlan({ source, clientOf: () => client }, { patienceMs })(accountSpec('create'), pin);
}

const fails = (error: Error) => async () => Promise.reject(error);

describe('what a plan checks', () => {
  it('is the file alone, and says why, while the environment does not answer', async () => {
    const away = new TransientError('connect ECONNREFUSED', { maybeCommitted: false });
    expect(await check(fails(away))).toEqual({ rows, target: undefined, unchecked: 'connect ECONNREFUSED' });
    const never = () => new Promise<never>(() => undefined);
    expect(await check(never, undefined, 1)).toMatchObject({ rows, unchecked: expect.stringContaining('0.001 s') });
    const busy = new ThrottledError({ facet: 'requests', retryAfterMs: 89_500 });
    expect(await check(fails(busy))).toMatchObject({ rows, unchecked: 'The environment asks to wait 90 s.' });
  });

  it('has the faults of the connection and those of the file together', async () => {
    const refused = new RequestRejectedError('no such user', {});
    const checked = await check(fails(refused), 'name\n"x\n');
    expect('faults' in checked && checked.faults.map(({ pointer }) => pointer)).toEqual([
      '/connection',
      '/source/blob',
    ]);
    const headless = await check(fails(refused), '');
    expect('faults' in headless && headless.faults).toHaveLength(2);
  });

  it('is not what a bug looks like', async () => {
    await expect(check(fails(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});
