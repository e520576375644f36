import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { OrchestrationRuntimeStatus, type DurableClient } from 'durable-functions';
import { describe, expect, it } from 'vitest';
import { cancelRun, pauseRun, resumeRun, unpauseRun } from '../../../src/functions/control-run.ts';
import type { RunsDeps } from '../../../src/functions/runs-deps.ts';
import { loadSettings } from '../../../src/settings.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

const { Running, Suspended } = OrchestrationRuntimeStatus;

interface Command {
  readonly state: OrchestrationRuntimeStatus;
  looks: number;
}

/** A run in a task hub that carries out what it is told only when its state has been asked for so many times. */
async function createScene(looksUntilCarriedOut: number) {
  const ledger = createMemoryLedger();
  const spec = { connection: 'main' } as never;
  await ledger.accept({ runId: 'r', spec, pin: {} as never, createdAt: '2026-01-01T00:00:00Z' });
  const scene: { state: OrchestrationRuntimeStatus; told: Command[]; events: number } = {
    state: Running,
    told: [],
    events: 0,
  };
  const tell = (state: OrchestrationRuntimeStatus): void =>
    void scene.told.push({ state, looks: looksUntilCarriedOut });
  const client = {
    async getStatus() {
      for (const command of scene.told) command.looks -= 1;
      while ((scene.told[0]?.looks ?? 1) <= 0) scene.state = scene.told.shift()?.state ?? scene.state;
      return { runtimeStatus: scene.state };
    },
    suspend: async () => tell(Suspended),
    resume: async () => tell(Running),
    raiseEvent: async () => void (scene.events += 1),
  } as unknown as DurableClient;
  const settings = loadSettings({
    AzureWebJobsStorage: 'x',
    Dataverse__main__url: 'https://contoso.crm4.dynamics.com',
  });
  const deps: RunsDeps = { ledger, settings, source: {} as never };
  const call = async (control: typeof cancelRun): Promise<HttpResponseInit> => {
    const request = { url: 'http://localhost/api/runs/r', headers: new Headers(), params: { runId: 'r' } };
    return control(deps)(request as unknown as HttpRequest, client);
  };
  /** Where the run ends up when everything has been carried out. */
  const settled = (): OrchestrationRuntimeStatus => scene.told.at(-1)?.state ?? scene.state;
  return { ledger, scene, call, settled };
}

describe('a run that was just paused', () => {
  it.each([0, 1, 3])(
    'goes on to its end when it is cancelled, also if its suspension takes %i looks to be seen',
    async (looks) => {
      const { ledger, scene, call, settled } = await createScene(looks);
      await call(pauseRun);
      expect((await call(cancelRun)).status).toBe(202);
      expect([settled(), await ledger.readStop('r'), scene.events]).toEqual([Running, 'cancelled', 1]);
    },
  );

  it('goes on when it is unpaused at once', async () => {
    const { ledger, call, settled } = await createScene(3);
    await call(pauseRun);
    await call(unpauseRun);
    expect([settled(), await ledger.readStop('r')]).toEqual([Running, undefined]);
  });
});

describe('a run that is to be resumed', () => {
  it('is told apart from one that is paused or goes on', async () => {
    const { call } = await createScene(0);
    expect(JSON.stringify(await call(resumeRun))).toContain('The orchestration of the run is there: Running.');
    await call(pauseRun);
    const answer = await call(resumeRun);
    expect(answer.status).toBe(409);
    expect(JSON.stringify(answer)).toContain('The run is paused: unpause it.');
  });
});

describe('a run that is being cancelled', () => {
  it('is not paused any more', async () => {
    const { ledger, call, settled } = await createScene(0);
    await call(cancelRun);
    expect((await call(pauseRun)).status).toBe(409);
    expect([settled(), await ledger.readStop('r')]).toEqual([Running, 'cancelled']);
  });

  it.each([0, 3])('is not held by a pause at the same time (%i looks)', async (looks) => {
    const { scene, call, settled } = await createScene(looks);
    await Promise.all([call(pauseRun), call(cancelRun)]);
    expect(settled()).toBe(Running);
    expect(scene.events).toBe(1);
  });
});
