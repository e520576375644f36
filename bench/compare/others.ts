import { setTimeout as delay } from 'node:timers/promises';
import { DynamicsWebApi } from 'dynamics-web-api';
import { cityOf, cityTable, type City } from '../common/cities.ts';
import type { Job } from './job.ts';

export const rowsPerRequest = 100;
const collection = cityTable.entitySetName;

/** Sends some rows by one request of a worker of the pool; what it throws may be a refusal that says how long to wait. */
type Send = (rows: readonly City[], worker: number) => Promise<unknown>;

export interface Other {
  readonly rowsPerRequest: number;
  readonly inFlight: number;
  readonly send: Send;
}

/** Clients that others wrote, or would write first. */
export function otherClient(job: Job, token: string): Other {
  const newApi = () =>
    new DynamicsWebApi({
      serverUrl: job.emulatorUrl,
      dataApi: { version: '9.2' },
      onTokenRefresh: async () => token,
    });
  const api = newApi();
  // An instance collects one batch at a time.
  const apis = Array.from({ length: job.poolSize }, newApi);
  switch (job.client) {
    case 'sequential':
      return { rowsPerRequest: 1, inFlight: 1, send: ([row]) => createByFetch(job, token, row) };
    case 'singles':
      return {
        rowsPerRequest: 1,
        inFlight: job.poolSize,
        send: ([data]) => api.create({ collection, data: { ...data } }),
      };
    case 'batches':
      return {
        rowsPerRequest,
        inFlight: job.poolSize,
        send: (rows, worker) => createByBatch(apis[worker] ?? api, rows),
      };
    case 'bulk':
      return { rowsPerRequest, inFlight: job.poolSize, send: (rows) => createByMessage(api, rows) };
    default:
      throw new RangeError(`${job.client} is not one of the others.`);
  }
}

async function createByFetch({ emulatorUrl }: Job, token: string, row: City | undefined): Promise<void> {
  const response = await fetch(`${emulatorUrl}/api/data/v9.2/${collection}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(row),
  });
  await response.text();
  if (!response.ok) throw new Refusal(response.status, response.headers.get('retry-after'));
}

/** The operations of a batch of this library carry on behind one that fails; none does here. */
async function createByBatch(api: DynamicsWebApi, rows: readonly City[]): Promise<void> {
  api.startBatch();
  for (const data of rows) void api.create({ collection, data: { ...data }, inChangeSet: false });
  await api.executeBatch();
}

function createByMessage(api: DynamicsWebApi, rows: readonly City[]): Promise<unknown> {
  const type = `Microsoft.Dynamics.CRM.${cityTable.logicalName}`;
  return api.callAction({
    collection,
    actionName: 'Microsoft.Dynamics.CRM.CreateMultiple',
    action: { Targets: rows.map((row) => ({ '@odata.type': type, ...row })) },
  });
}

class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, retryAfter: string | null) {
    super(`The environment answered ${status}.`);
    this.status = status;
    this.headers = retryAfter === null ? {} : { 'retry-after': retryAfter };
  }
}

const untoldSeconds = 1;

/** Milliseconds to wait where an error is a 429; else it is thrown. Each request of the pool waits for itself: nothing in these clients is shared. */
export function waitOf(error: unknown): number {
  const { status, headers } = error as { status?: number; headers?: Readonly<Record<string, string>> };
  if (status !== 429) throw error;
  return Number(headers?.['retry-after'] ?? headers?.['Retry-After'] ?? untoldSeconds) * 1_000;
}

/** Sends rows in order, so many requests at once, until rows or time are used up; answers how many were sent. */
export async function sendByPool(job: Job, { rowsPerRequest: size, inFlight, send }: Other): Promise<number> {
  const endsMs = size === 1 ? performance.now() + job.seconds * 1_000 : Infinity;
  let next = 1;
  let sent = 0;
  const work = async (worker: number): Promise<void> => {
    while (next <= job.rows && performance.now() < endsMs) {
      const from = next;
      const count = Math.min(size, job.rows + 1 - from);
      next += count;
      const rows = Array.from({ length: count }, (_, at) => cityOf(from + at));
      if (await isSent(() => send(rows, worker), endsMs)) sent += count;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)));
  return sent;
}

/** False when time was up before the rows went through. */
async function isSent(send: () => Promise<unknown>, endsMs: number): Promise<boolean> {
  while (performance.now() < endsMs) {
    try {
      await send();
      return true;
    } catch (error) {
      await delay(waitOf(error));
    }
  }
  return false;
}
