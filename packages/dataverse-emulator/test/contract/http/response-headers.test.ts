import { describe, expect, it } from 'vitest';
import { clientOf, startSuiteEmulator } from '../../support/start.ts';

describe('every response', () => {
  it('carries the recorded headers, errors included', async () => {
    const emulator = await startSuiteEmulator({ profile: 'documented-4' });
    const api = clientOf(emulator);
    const answer = await api.get('nothings', { 'x-ms-client-request-id': 'mine' });
    const header = (name: string): string | null => answer.headers.get(name);
    expect(answer.status).toBe(404);
    expect(header('odata-version')).toBe('4.0');
    expect(header('x-ms-dop-hint')).toBe('16');
    expect(header('x-ms-ratelimit-burst-remaining-xrm-requests')).toMatch(/^\d+$/);
    expect(header('x-ms-ratelimit-time-remaining-xrm-requests')).toBe('1,200.00');
    expect(header('x-ms-service-request-id')).toMatch(/^mine,/);
    expect(header('content-type')).toBe('application/json; odata.metadata=minimal');
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^ARRAffinity=[0-9a-f]{64}; path=\/; secure; HttpOnly$/),
      expect.stringMatching(/^ReqClientId=/),
    ]);
    for (const name of [
      'req_id',
      'authactivityid',
      'crm.serviceid',
      'x-source',
      'allow',
      'date',
      'expires',
      'cache-control',
    ])
      expect(header(name)).not.toBeNull();
    await emulator.close();
  });
});
