import { randomUUID } from 'node:crypto';
import { BlobServiceClient, StorageRetryPolicyType, type StoragePipelineOptions } from '@azure/storage-blob';
import type { CloseRunDeps } from './activities/close-run.ts';
import type { LaneDeps } from './activities/lane-deps.ts';
import { createCheckPlan } from './activities/check-plan.ts';
import { createLiveProgress } from './activities/live-progress.ts';
import { createRunPlans } from './activities/run-plan.ts';
import { createWaitRecall } from './activities/wait-recall.ts';
import { createAgent } from './dataverse/agent.ts';
import { createClient, type Client } from './dataverse/client.ts';
import { systemClock } from './dataverse/clock.ts';
import { createGates } from './dataverse/gates.ts';
import { createCredential } from './dataverse/credentials.ts';
import { createTokenSource } from './dataverse/tokens.ts';
import { createLedger } from './ledger/ledger.ts';
import type { PlanDeps } from './functions/plan-run.ts';
import type { SyncDeps } from './functions/syncs.ts';
import { createStopWatch } from './activities/stop-watch.ts';
import type { Settings, StorageSettings } from './settings.ts';
import { maxDop } from './plan/bounds.ts';
import { createBlobSource } from './source/blob-source.ts';

/** Everything the functions and activities of this process share; made once, at load. */
export type Wiring = LaneDeps & CloseRunDeps & PlanDeps & SyncDeps;

/** One owner per retry: the storage SDK repeats a call that failed; nothing above it does. */
const storageOptions: StoragePipelineOptions = {
  retryOptions: {
    retryPolicyType: StorageRetryPolicyType.EXPONENTIAL,
    maxTries: 5,
    retryDelayInMs: 200,
    maxRetryDelayInMs: 10_000,
  },
};

export function wire(settings: Settings): Wiring {
  const clock = systemClock;
  const storage = createStorage(settings.storage);
  const ledger = createLedger(storage.getContainerClient(settings.runsContainer));
  const source = createBlobSource(storage);
  const clientOf = createClients(settings);
  return {
    settings,
    clock,
    now: () => clock.now(),
    ledger,
    source,
    checkPlan: createCheckPlan({ source, clientOf }),
    syncDefinitions: storage.getContainerClient(settings.syncsContainer),
    clientOf,
    planOf: createRunPlans(ledger),
    stopOf: createStopWatch(ledger, clock),
    live: createLiveProgress(ledger, randomUUID(), clock),
    recallWaits: createWaitRecall(ledger, clock),
  };
}

function createStorage(storage: StorageSettings): BlobServiceClient {
  if ('connectionString' in storage)
    return BlobServiceClient.fromConnectionString(storage.connectionString, storageOptions);
  const { blobServiceUri, clientId } = storage;
  const credential = createCredential({ managedIdentity: true, ...(clientId === undefined ? {} : { clientId }) });
  return new BlobServiceClient(blobServiceUri, credential, storageOptions);
}

/**
 * One client per connection, with a token source for each of its identities; the throttle gates of each identity, also where two connections
 * share it; one agent for all, with as many sockets as activities may run here (`maxConcurrentActivityFunctions` in host.json).
 */
function createClients(settings: Settings): (connection: string) => Client {
  const dispatcher = createAgent({ connections: maxDop });
  const clients = new Map<string, Client>();
  const gatesOf = createGates(systemClock);
  return (name) => {
    const known = clients.get(name);
    if (known !== undefined) return known;
    const connection = settings.connections.get(name);
    if (connection === undefined) throw new Error(`Connection "${name}" is not configured.`);
    const { url: origin, clientIds } = connection;
    const client = createClient({
      connection,
      senders: (clientIds.length === 0 ? [undefined] : clientIds).map((clientId) => ({
        tokens: createTokenSource({
          credential: createCredential({ clientId, managedIdentity: settings.hasManagedIdentity }),
          origin,
          clock: systemClock,
        }),
        gates: gatesOf(origin, clientId),
      })),
      dispatcher,
      clock: systemClock,
      random: Math.random,
    });
    clients.set(name, client);
    return client;
  };
}
