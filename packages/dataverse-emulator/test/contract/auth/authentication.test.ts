import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../../src/index.ts';
import { defaultClientId } from '../../../src/index.ts';
import { emulatorOnly } from '../../support/contract.ts';
import { startSuiteEmulator, tokenFor } from '../../support/start.ts';
import { errorOf, WebApiClient } from '../../support/web-api-client.ts';

const userOf = (clientId: string, more: object = {}) => ({
  clientId,
  name: clientId,
  secret: null,
  disabled: false,
  mayImpersonate: true,
  mayBypassLogic: true,
  denied: [],
  ...more,
});

emulatorOnly('authentication', () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await startSuiteEmulator({
      identityHeader: 'secret',
      settings: {
        users: [
          userOf(defaultClientId),
          userOf('limited', { denied: ['prvCreateAccount'] }),
          userOf('with-secret', { secret: 's3' }),
          userOf('disabled', { disabled: true }),
          userOf('plain', { mayImpersonate: false, mayBypassLogic: false }),
        ],
      },
    });
  });
  afterAll(() => emulator.close());

  const whoAmI = (token: string, headers: Record<string, string> = {}) =>
    new WebApiClient({ url: emulator.url, getToken: () => Promise.resolve(token) }).get('WhoAmI', headers);
  const identity = (
    query: string,
    headers: Record<string, string> = { 'x-identity-header': 'secret' },
  ): Promise<Response> => fetch(`${emulator.url}/msi/token?${query}`, { headers });
  const resource = (): string => `resource=${encodeURIComponent(emulator.url)}`;
  const entra = (form: Record<string, string>): Promise<Response> =>
    fetch(`${emulator.url}/tenant/oauth2/v2.0/token`, { method: 'POST', body: new URLSearchParams(form) });
  const credentials = (): Record<string, string> => ({
    grant_type: 'client_credentials',
    client_id: 'with-secret',
    client_secret: 's3',
    scope: `${emulator.url}/.default`,
  });

  it('gives the managed identity a token in the form of App Service', async () => {
    const response = await identity(`api-version=2019-08-01&${resource()}`);
    const json = (await response.json()) as Record<string, string>;
    expect(json).toMatchObject({
      token_type: 'Bearer',
      resource: emulator.url,
      client_id: defaultClientId,
      expires_on: expect.stringMatching(/^\d+$/),
    });
    expect((await whoAmI(json['access_token'] ?? '')).status).toBe(200);
  });

  it('refuses the managed identity without header, with a wrong one, and without resource', async () => {
    expect((await identity(`api-version=2019-08-01&${resource()}`, {})).status).toBe(400);
    expect((await identity(`api-version=2019-08-01&${resource()}`, { 'x-identity-header': 'wrong' })).status).toBe(401);
    expect((await identity('api-version=2019-08-01')).status).toBe(400);
  });

  it('gives a token for client credentials, and the documented errors', async () => {
    const good = (await (await entra(credentials())).json()) as Record<string, string>;
    expect(good).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
    expect((await whoAmI(good['access_token'] ?? '')).status).toBe(200);
    const wrongSecret = await entra({ ...credentials(), client_secret: 'x' });
    const wrongScope = await entra({ ...credentials(), scope: emulator.url });
    expect([wrongSecret.status, wrongScope.status]).toEqual([401, 400]);
    expect(await wrongSecret.json()).toMatchObject({ error: 'invalid_client', error_codes: [7000215] });
    expect(await wrongScope.json()).toMatchObject({ error: 'invalid_scope', error_codes: [70011] });
  });

  it('answers 401 with a challenge and a text body for a token that is none', async () => {
    const answer = await whoAmI('a.b.c');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer authorization_uri=.*, resource_id=/);
    expect(answer.headers.get('content-type')).toBe('text/plain');
  });

  it('answers 401 for another audience', async () => {
    const json = (await (
      await identity('api-version=2019-08-01&resource=https://other.crm.dynamics.com')
    ).json()) as Record<string, string>;
    expect((await whoAmI(json['access_token'] ?? '')).status).toBe(401);
  });

  it('answers 401 once the token has expired or was revoked', async () => {
    emulator.changeSettings({ tokenLifetimeSeconds: 0 });
    const expired = await tokenFor(emulator);
    emulator.changeSettings({ tokenLifetimeSeconds: 3600 });
    expect((await whoAmI(expired)).status).toBe(401);
    const revoked = await tokenFor(emulator);
    emulator.faults.add({ kind: 'revokeToken', match: {}, nth: 1 });
    expect((await whoAmI(revoked)).status).toBe(401);
    emulator.faults.clear();
    expect((await whoAmI(revoked)).status).toBe(401);
    expect((await whoAmI(await tokenFor(emulator, 'plain'))).status).toBe(200);
  });

  it('answers 403 for an app that is no application user, and for a disabled one', async () => {
    expect(errorOf(await whoAmI(await tokenFor(emulator, 'stranger')))).toEqual({ status: 403, code: '0x80072560' });
    expect(errorOf(await whoAmI(await tokenFor(emulator, 'disabled')))).toEqual({ status: 403, code: '0x8004A112' });
  });

  it('answers 403 for impersonation and bypass headers without privilege', async () => {
    const token = await tokenFor(emulator, 'plain');
    const other = (await whoAmI(await tokenFor(emulator, 'with-secret'))).json.UserId as string;
    expect(errorOf(await whoAmI(token, { mscrmcallerid: other }))).toEqual({ status: 403, code: '0x8004A110' });
    expect(errorOf(await whoAmI(token, { 'mscrm.bypassbusinesslogicexecution': 'CustomSync' }))).toEqual({
      status: 403,
      code: '0x80040220',
    });
  });

  it('answers 403 with the name of a missing privilege, for single and bulk writes alike', async () => {
    const token = await tokenFor(emulator, 'limited');
    const api = new WebApiClient({ url: emulator.url, getToken: () => Promise.resolve(token) });
    const created = await api.post('accounts', { name: 'A' });
    expect(errorOf(created)).toEqual({ status: 403, code: '0x80040220' });
    expect(created.json.error.message).toContain('is missing prvCreateAccount privilege');
    const row = `accounts(${(await whoAmI(token)).json.UserId})`;
    const upserted = await api.patch(row, { name: 'A' });
    const updated = await api.patch(row, { name: 'A' }, { 'if-match': '*' });
    const bulk = await api.bulk('accounts', 'account', 'UpsertMultiple', [{ name: 'A' }]);
    expect([upserted.status, updated.status, bulk.status]).toEqual([403, 404, 403]);
    expect((await api.post('contacts', { lastname: 'A' })).status).toBe(204);
  });

  it('lets an impersonating user do what both may do, and nobody impersonate a disabled or unknown one', async () => {
    const api = new WebApiClient({ url: emulator.url, getToken: () => tokenFor(emulator) });
    const users = (await api.get('systemusers?$select=fullname,azureactivedirectoryobjectid')).json.value as {
      fullname: string;
      azureactivedirectoryobjectid: string;
    }[];
    const as = (name: string) => ({
      callerobjectid: users.find(({ fullname }) => fullname === name)?.azureactivedirectoryobjectid ?? '',
    });
    const limited = await api.post('accounts', { name: 'A' }, as('limited'));
    expect(errorOf(limited)).toEqual({ status: 403, code: '0x80040220' });
    expect((await api.post('contacts', { lastname: 'A' }, as('limited'))).status).toBe(204);
    expect(errorOf(await api.post('contacts', { lastname: 'A' }, as('disabled')))).toEqual({
      status: 403,
      code: '0x8004A112',
    });
    expect(errorOf(await api.post('contacts', { lastname: 'A' }, { callerobjectid: 'nobody' })).status).toBe(403);
  });

  it('revokes every token up to now, and gives new ones in the same millisecond', async () => {
    const nowMs = Date.parse('2030-01-01T00:00:00Z');
    const still = await startSuiteEmulator({ clock: { now: () => nowMs, until: () => Promise.resolve() } });
    const status = async (token: string) =>
      (await new WebApiClient({ url: still.url, getToken: () => Promise.resolve(token) }).get('WhoAmI')).status;
    const old = await tokenFor(still);
    expect(await status(old)).toBe(200);
    await fetch(`${still.url}/_emulator/tokens`, { method: 'POST' });
    expect([await status(old), await status(await tokenFor(still))]).toEqual([401, 200]);
    await still.close();
  });

  it('stamps rows with the impersonated user, while WhoAmI names the caller', async () => {
    const token = await tokenFor(emulator);
    const other = (await whoAmI(await tokenFor(emulator, 'with-secret'))).json.UserId as string;
    const self = await whoAmI(token, { mscrmcallerid: other });
    const api = new WebApiClient({ url: emulator.url, getToken: () => Promise.resolve(token) });
    const row = await api.post('accounts', { name: 'A' }, { mscrmcallerid: other, prefer: 'return=representation' });
    expect(self.json.UserId).not.toBe(other);
    expect(row.json).toMatchObject({ _createdby_value: other, _createdonbehalfby_value: self.json.UserId });
  });
});
