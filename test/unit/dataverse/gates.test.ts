import { describe, expect, it } from 'vitest';
import { createGates } from '../../../src/dataverse/gates.ts';
import { guid, instantClock } from './support.ts';

const contoso = 'https://contoso.crm4.dynamics.com';

describe('the gates of a process', () => {
  it('let two connections that send as one identity wait together, whichever host they name', async () => {
    const gateOf = createGates(instantClock());
    const gate = gateOf(contoso, guid(1)).at(null);
    gate.leave(await gate.enter({ deadlineAtMs: Infinity }), { facet: 'requests', retryAfterMs: 9_000 });
    expect(gateOf('https://contoso.api.crm4.dynamics.com', guid(1).toUpperCase()).at(null).waitMs()).toBe(9_000);
    for (const [origin, clientId] of [
      [contoso, guid(2)],
      [contoso, undefined],
      ['https://fabrikam.crm4.dynamics.com', guid(1)],
      ['https://contoso.crm.dynamics.com', guid(1)],
    ] as const) {
      expect(gateOf(origin, clientId).at(null).waitMs()).toBe(0);
    }
  });
});
