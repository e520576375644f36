import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestHost, until } from './support.ts';
import type { TestHost } from './support.ts';

let host: TestHost;
const get = (path: string, init: RequestInit = {}) => fetch(`${host.url}/api/${path}`, init);

beforeAll(async () => {
  host = await startTestHost('http-esm', { requireKeys: true });
});
afterAll(() => host.close());

describe('HTTP triggers of an ESM app', () => {
  test('method, query, headers and body arrive; status, headers and body come back', async () => {
    const response = await get('echo?a=1&a=2&b=x', { method: 'POST', body: 'hello', headers: { 'X-Test': 'yes' } });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-invocation')).toMatch(/^[\da-f-]{36}$/u);
    expect(await response.json()).toEqual({ method: 'POST', query: { a: '1,2', b: 'x' }, header: 'yes', length: 5 });
  });

  test('a body of 30 MB passes', async () => {
    const response = await get('echo', { method: 'PUT', body: new Uint8Array(30_000_000) });
    expect(await response.json()).toMatchObject({ length: 30_000_000 });
  });

  test.each([
    ['users/12/a/b%20c', 200, { id: '12', rest: 'a/b c' }],
    ['users/12', 200, { id: '12' }],
  ])('%s matches the route with its parameters', async (path, status, params) => {
    const response = await get(path);
    expect([response.status, await response.json()]).toEqual([status, params]);
  });

  test.each([
    ['users/twelve', 'GET', 404],
    ['greeting', 'POST', 404],
    ['nothing', 'GET', 204],
    ['broken', 'GET', 500],
    ['switchedOff', 'GET', 404],
  ])('%s by %s answers %i', async (path, method, status) => {
    expect((await get(path, { method })).status).toBe(status);
  });

  test('binary bodies and cookies come back unharmed', async () => {
    expect(new Uint8Array(await (await get('binary')).arrayBuffer())).toEqual(new Uint8Array([0, 255, 128]));
    expect((await get('cookies')).headers.getSetCookie()).toEqual([
      'a=b%20c; Max-Age=60; Expires=Tue, 01 Jan 2030 00:00:00 GMT; HttpOnly; SameSite=Lax',
    ]);
  });

  test('settings of local.settings.json are in the environment', async () => {
    expect(await (await get('greeting')).text()).toBe('Hi');
  });

  test('hooks run around an invocation and may replace its result', async () => {
    expect(await (await get('hooks')).json()).toEqual(['appStart', 'postInvocation']);
  });

  test('an allowed origin gets its preflight answered', async () => {
    const headers = { origin: 'http://localhost:3000', 'access-control-request-method': 'GET' };
    const response = await get('greeting', { method: 'OPTIONS', headers });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'http://localhost:3000',
    ]);
  });
});

describe('requests out of the ordinary', () => {
  /** The first line of the answer to raw text; undefined if the connection ends without. */
  const raw = async (text: string): Promise<string | undefined> => {
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    socket.write(text);
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return data.toString().split('\r\n')[0];
  };

  test.each([
    ['GET /api/greeting HTTP/1.1\r\nHost: a b\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
    ['GET //api/greeting HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 404 Not Found'],
    ['GET /// HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 404 Not Found'],
    ['GET http://a/api/greeting HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK'],
    ['GET /api/greeting?__proto__=1&%zz HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK'],
    ['nonsense\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
  ])('%j is answered %s', async (request, answer) => {
    expect(await raw(request)).toBe(answer);
  });

  test('a client that goes away while it sends is no fault of the function', async () => {
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    socket.write('POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc');
    await once(socket, 'connect');
    setTimeout(() => socket.destroy(), 20);
    await until(
      async () => host.log,
      (log) => log.some((line) => line.includes('Function.echo: The client went away')),
    );
    expect(host.log.filter((line) => line.includes('[error] Function.echo'))).toEqual([]);
  });
});

describe('keys', () => {
  const keys = () =>
    JSON.parse(readFileSync(host.keysPath, 'utf8')) as Record<'master' | 'function' | 'system', string>;

  test.each([
    ['guarded', 'none', 401],
    ['guarded', 'function', 200],
    ['guarded', 'master', 200],
    ['guarded', 'system', 401],
    ['master', 'function', 401],
    ['master', 'master', 200],
  ] as const)('%s with key %s answers %i', async (path, key, status) => {
    const code = key === 'none' ? '' : `?code=${keys()[key]}`;
    expect((await get(`${path}${code}`)).status).toBe(status);
  });

  test('the header beats the query', async () => {
    const headers = { 'x-functions-key': 'wrong' };
    expect((await get(`guarded?code=${keys().function}`, { headers })).status).toBe(401);
  });

  test('the Durable HTTP API asks for the system key', async () => {
    const path = `${host.url}/runtime/webhooks/durabletask/instances`;
    expect((await fetch(path)).status).toBe(401);
    expect((await fetch(`${path}?code=${keys().system}`)).status).toBe(200);
  });
});

describe('a host that asks for no keys', () => {
  let open: TestHost;
  beforeAll(async () => {
    open = await startTestHost('http-esm', { requireKeys: false });
  });
  afterAll(() => open.close());

  test.each([
    ['guarded', '127.0.0.1', 'HTTP/1.1 200 OK'],
    ['guarded', 'localhost:7071', 'HTTP/1.1 200 OK'],
    ['guarded', 'elsewhere.example:7071', 'HTTP/1.1 403 Forbidden'],
    ['master', '127.0.0.1.elsewhere.example', 'HTTP/1.1 403 Forbidden'],
    ['greeting', 'elsewhere.example', 'HTTP/1.1 200 OK'],
  ])('answers %s under the name %s with %s', async (path, name, answer) => {
    const socket = connect(Number(new URL(open.url).port), '127.0.0.1');
    socket.write(`GET /api/${path} HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(data.toString().split('\r\n')[0]).toBe(answer);
  });
});
