import type { ContainerClient } from '@azure/storage-blob';
import { OrchestrationRuntimeStatus, type DurableClient } from 'durable-functions';
import { describe, expect, it } from 'vitest';
import { logSyncs, startSyncs, type SyncDeps, type SyncResult } from '../../../src/functions/syncs.ts';
import type { Report } from '../../../src/plan/report.ts';
import { loadSettings } from '../../../src/settings.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

const { Running, Failed, Terminated } = OrchestrationRuntimeStatus;

/** A container with one definition, a source with an ETag, and a task hub that holds what it is told to start. */
function createScene() {
  const ledger = createMemoryLedger();
  const instances = new Map<string, OrchestrationRuntimeStatus>();
  const started: string[] = [];
  const scene = { etag: '"1"', definition: JSON.stringify(spec), ledger, instances, started, hub: 'there' };
  const client = {
    async getStatus(runId: string) {
      const runtimeStatus = instances.get(runId);
      if (runtimeStatus === undefined) throw new Error('The Durable Functions extension replied with HTTP 404.');
      return { runtimeStatus };
    },
    async startNew(_name: string, { instanceId }: { instanceId: string }) {
      if (scene.hub === 'gone') throw new Error('The host died here.');
      started.push(instanceId);
      instances.set(instanceId, Running);
    },
    readEntityState: async () => ({ entityExists: false }),
  } as unknown as DurableClient;
  const deps: SyncDeps = {
    ledger,
    settings: loadSettings({ AzureWebJobsStorage: 'x', Dataverse__main__url: 'https://contoso.crm4.dynamics.com' }),
    source: {
      pin: async (container: string, blob: string) => ({ container, blob, etag: scene.etag, bytes: 9 }),
    } as never,
    syncDefinitions: {
      async *listBlobsFlat() {
        yield { name: 'cities.json' };
      },
      getBlobClient: () => ({ downloadToBuffer: async () => Buffer.from(scene.definition) }),
    } as unknown as ContainerClient,
  };
  const tick = async () => (await startSyncs(deps, client))[0];
  const end = (runId: string, state: Report['state']) => {
    ledger.run(runId).report = { state } as Report;
    instances.set(runId, OrchestrationRuntimeStatus.Completed);
  };
  return { ...scene, scene, tick, end };
}

const spec = {
  connection: 'main',
  source: { container: 'sources', blob: 'cities.csv' },
  target: { table: 'fan_city', operation: 'upsert', key: ['fan_geonameid'] },
};

describe('a sync', () => {
  it('starts a run once for each version of its source, after the run of the version before has ended', async () => {
    const { scene, tick, end, started } = createScene();
    expect(await tick()).toMatchObject({ did: 'started' });
    expect(await tick()).toMatchObject({ did: 'waiting' });
    scene.etag = '"2"';
    expect(await tick()).toMatchObject({ did: 'waiting' });
    end(started[0] ?? '', 'completed');
    expect(await tick()).toMatchObject({ did: 'started', runId: started[1] });
    end(started[1] ?? '', 'stopped');
    expect(await tick()).toMatchObject({ did: 'unchanged' });
    expect(new Set(started).size).toBe(2);
  });

  it('is read with the mark that Windows puts before UTF-8', async () => {
    const { scene, tick } = createScene();
    scene.definition = `\uFEFF${scene.definition}`;
    expect(await tick()).toMatchObject({ did: 'started' });
  });

  it('begins a run that failed before it sent a row three times in all', async () => {
    const { tick, end, started } = createScene();
    for (const attempt of [0, 1, 2]) {
      expect(await tick()).toMatchObject({ did: 'started' });
      end(started[attempt] ?? '', 'failed');
    }
    expect(await tick()).toMatchObject({ did: 'unchanged' });
    expect(started).toHaveLength(3);
  });

  it('lets a run go on whose orchestration broke or was lost, before it begins another', async () => {
    const { scene, tick, instances, started } = createScene();
    await tick();
    const runId = started[0] ?? '';
    instances.set(runId, Failed);
    scene.etag = '"2"';
    expect(await tick()).toMatchObject({ did: 'resumed', runId });
    instances.delete(runId);
    expect(await tick()).toMatchObject({ did: 'resumed', runId });
    expect(started).toEqual([runId, runId, runId]);
  });

  it('leaves a run alone that a person terminated, and says so each time', async () => {
    const { tick, instances, started } = createScene();
    await tick();
    instances.set(started[0] ?? '', Terminated);
    expect(await tick()).toMatchObject({ faults: [expect.stringContaining('was terminated')] });
    expect(started).toHaveLength(1);
  });

  it('is begun again under the same id by the next timer, where the host died before it accepted the run', async () => {
    const { scene, tick, ledger, started } = createScene();
    const { accept } = ledger;
    Object.assign(ledger, { accept: async () => Promise.reject(new Error('The host died here.')) });
    expect(await tick()).toMatchObject({ faults: ['The host died here.'] });
    const noted = (await ledger.readSync('cities'))?.value;
    expect(noted).toMatchObject({ attempt: 1, begins: true });
    Object.assign(ledger, { accept });
    expect(await tick()).toMatchObject({ did: 'started', runId: noted?.runId });
    expect((await ledger.readSync('cities'))?.value).toEqual({ ...noted, begins: undefined });
    expect(started).toEqual([noted?.runId]);
    scene.etag = '"2"';
    expect(await tick()).toMatchObject({ did: 'waiting', runId: noted?.runId });
  });

  it('finds the run that was accepted, where the host died before it started it, also when there is a new version', async () => {
    const { scene, tick, end, ledger, started } = createScene();
    scene.hub = 'gone';
    expect(await tick()).toMatchObject({ faults: ['The host died here.'] });
    const first = (await ledger.readSync('cities'))?.value.runId ?? '';
    scene.hub = 'there';
    scene.etag = '"2"';
    expect(await tick()).toMatchObject({ did: 'resumed', runId: first });
    expect(started).toEqual([first]);
    end(first, 'completed');
    expect(await tick()).toMatchObject({ did: 'started' });
    expect(started).toHaveLength(2);
  });

  it('takes a version that never came to a run for none', async () => {
    const { scene, tick, ledger, started } = createScene();
    const { accept } = ledger;
    Object.assign(ledger, { accept: async () => Promise.reject(new Error('The host died here.')) });
    await tick();
    Object.assign(ledger, { accept });
    scene.etag = '"2"';
    expect(await tick()).toMatchObject({ did: 'started' });
    expect((await ledger.readSync('cities'))?.value).toMatchObject({ runId: started[0], attempt: 1 });
    expect(started).toHaveLength(1);
  });

  it('begins one run where two timers see two versions at once', async () => {
    const { scene, tick, ledger, started } = createScene();
    const { readSync } = ledger;
    let both: () => void = () => undefined;
    const haveRead = new Promise<void>((resolve) => (both = resolve));
    let reads = 0;
    Object.assign(ledger, {
      readSync: async (sync: string) => {
        const seen = await readSync(sync);
        if (++reads === 2) both();
        await haveRead;
        return seen;
      },
    });
    const one = tick();
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    scene.etag = '"2"';
    const done = await Promise.all([one, tick()]);
    expect(done.map((result) => result !== undefined && 'did' in result && result.did).toSorted()).toEqual([
      'started',
      'waiting',
    ]);
    expect(started).toHaveLength(1);
  });

  it('names every fault of its definition', async () => {
    const { scene, tick } = createScene();
    scene.definition = '{"connection":"main"}';
    expect(await tick()).toMatchObject({
      faults: [expect.stringContaining('/source'), expect.stringContaining('/target')],
    });
  });
});

describe('the log of syncs', () => {
  it('tells of runs and faults, and keeps quiet while nothing is new', () => {
    const lines: string[] = [];
    const results: SyncResult[] = [
      { sync: 'a', did: 'unchanged', runId: 'r' },
      { sync: 'b', did: 'started', runId: 's' },
      { sync: 'c', faults: ['/source Must be an object.'] },
    ];
    logSyncs(results, {
      log: (line: string) => lines.push(line),
      error: (line: string) => lines.push(line),
    });
    expect(lines).toEqual(['Sync b: started, run s.', 'Sync c was not started: /source Must be an object.']);
  });
});
