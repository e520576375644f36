import { runWithoutDurable } from '../common/engine-without-durable.ts';
import type { Done, Job } from './job.ts';
import { otherClient, sendByPool } from './others.ts';

/** One client in a process of its own: takes a job as JSON, does it, prints what it did as JSON. */
const job = JSON.parse(process.argv[2] ?? '{}') as Job;

async function tokenOf(emulatorUrl: string): Promise<string> {
  const query = new URLSearchParams({ 'api-version': '2019-08-01', resource: emulatorUrl });
  const response = await fetch(`${emulatorUrl}/msi/token?${query.toString()}`, {
    headers: { 'x-identity-header': 'x' },
  });
  return ((await response.json()) as { readonly access_token: string }).access_token;
}

const token = await tokenOf(job.emulatorUrl);
const begin = performance.now();
const rows =
  job.client === 'engine' ? (await runWithoutDurable(job.spec)).rows : await sendByPool(job, otherClient(job, token));
const done: Done = { rows, seconds: (performance.now() - begin) / 1_000 };
console.log(JSON.stringify(done));
process.exit(0);
