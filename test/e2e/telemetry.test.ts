import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';

/** The exporter talks to nothing but https, so the stand-in needs a certificate, and nothing in Node makes one. */
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let dir: string;
let server: Server;
let app: App;
const received: string[] = [];

beforeAll(async () => {
  if (!hasOpenssl) return;
  dir = await mkdtemp(join(tmpdir(), 'fanout-telemetry-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject]);
  server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (request, response) => {
    void buffer(request).then((body) => {
      const isZipped = request.headers['content-encoding'] === 'gzip';
      const text = (isZipped ? gunzipSync(body) : body).toString();
      received.push(`${request.url ?? ''} ${text}`);
      const items = (JSON.parse(text) as readonly unknown[]).length;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ itemsReceived: items, itemsAccepted: items, errors: [] }));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  app = await startApp({
    env: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=${address}`,
      APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL: 'true',
      NODE_EXTRA_CA_CERTS: cert,
    },
  });
});
afterAll(async () => {
  if (!hasOpenssl) return;
  await app.stop();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

describe.skipIf(!hasOpenssl)('Application Insights (needs openssl)', () => {
  it('hears of the work of the app where a connection string asks for it, and of no row, token or key', async () => {
    // Good rows, a value that does not fit, and a key that has to be looked up: what may end in URLs and messages.
    const rows = citiesCsv(20, (row) => `${row},Canary${row},${row === 7 ? 'CanaryTooLong' : 'DE'},1`);
    const { report } = await app.run({ connection: 'main', source: await app.put('a.csv', rows), target: cityTarget });
    expect(report.counts).toEqual({ upserted: 19, rejected: 1 });
    const customers = await app.put('b.csv', "fan_number,fan_name\nCanary/1?,Canary\nCanary'2,Canary\n");
    const byHardKey = { table: 'fan_customer', operation: 'upsert', key: ['fan_number'] };
    await app.run({ connection: 'main', source: customers, target: byHardKey });

    const told = () => received.join('\n');
    await until('telemetry of blob storage', async () => told().includes('"RemoteDependencyData"'), 30_000);
    expect(received.every((request) => request.startsWith('/v2.1/track '))).toBe(true);
    expect(told()).not.toMatch(/canary/i);
    // A JSON Web Token, a shared key, a signature.
    expect(told()).not.toMatch(/eyJ[\w-]{10,}|AccountKey|SharedKey|[?&]sig=/);
    expect(told()).not.toContain('ExceptionData');
  });
});
