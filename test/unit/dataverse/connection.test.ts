import { describe, expect, it } from 'vitest';
import { checkConnectionUrl } from '../../../src/dataverse/connection.ts';

describe('checkConnectionUrl', () => {
  it.each([
    'https://contoso.crm4.dynamics.com',
    'https://contoso.crm4.dynamics.com/',
    'https://contoso.crm.dynamics.com:443',
  ])('accepts %s as an origin', (url) => {
    expect(checkConnectionUrl(url, { allowLoopbackHttp: false })).toEqual({ ok: true, origin: new URL(url).origin });
  });

  it.each([
    ['contoso', 'is not a URL'],
    ['http://contoso.crm4.dynamics.com', 'must start with https:, not http:'],
    ['ftp://contoso.crm4.dynamics.com', 'must start with https:, not ftp:'],
    ['https://user:secret@contoso.crm4.dynamics.com', 'must not carry a user name or password'],
    ['https://contoso.crm4.dynamics.com:8443', 'must not name a port (8443)'],
    ['https://contoso.crm4.dynamics.com/api', 'must end after the host name'],
    ['https://contoso.crm4.dynamics.com/?', 'must end after the host name'],
    ['https://contoso.crm4.dynamics.com#', 'must end after the host name'],
    ['http://127.0.0.1.example.com:7080', 'must start with https:, not http:'],
    ['http://10.0.0.1:7080', 'must start with https:, not http:'],
  ])('refuses %s even where loopback is allowed', (url, fault) => {
    expect(checkConnectionUrl(url, { allowLoopbackHttp: true })).toEqual({ ok: false, fault });
  });

  it.each(['http://127.0.0.1:7080', 'http://localhost:7080', 'http://[::1]:7080'])(
    'lets %s through only on request',
    (url) => {
      expect(checkConnectionUrl(url, { allowLoopbackHttp: true })).toEqual({ ok: true, origin: url });
      expect(checkConnectionUrl(url, { allowLoopbackHttp: false }).ok).toBe(false);
    },
  );
});
