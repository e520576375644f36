import { RestError } from '@azure/storage-blob';
import { expect, it } from 'vitest';
import { health } from '../../../src/functions/health.ts';

const answerOf = (recentRuns: () => Promise<readonly unknown[]>) =>
  health({ ledger: { recentRuns }, settings: { connections: new Map([['main', {}]]) } } as never)();

it.each([
  [
    new RestError('This request is not authorized.', { statusCode: 403, code: 'AuthorizationPermissionMismatch' }),
    '403 AuthorizationPermissionMismatch',
  ],
  [new RestError('connect ECONNREFUSED', { code: 'REQUEST_SEND_ERROR' }), 'does not answer'],
])('tells how storage is: %s', async (error, reason) => {
  const answer = await answerOf(() => Promise.reject(error));
  expect(answer).toMatchObject({ status: 503, jsonBody: { status: 'unavailable' } });
  expect((answer.jsonBody as { readonly reason: string }).reason).toContain(reason);
});

it('names the connections when all is well', async () => {
  expect(await answerOf(async () => [])).toEqual({ jsonBody: { status: 'ok', connections: ['main'] } });
});
