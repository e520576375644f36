import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type { Emulator, EmulatorOptions, SettingsPatch } from '../../src/index.ts';
import { startSuiteEmulator, tokenFor } from './start.ts';
import { WebApiClient } from './web-api-client.ts';

/** An environment that has the tables of `schema.json`; the emulator when not set. */
const { DATAVERSE_CONTRACT_URL: environmentUrl, DATAVERSE_CONTRACT_TOKEN: environmentToken } = process.env;

interface LateTarget {
  url: string;
  token: Promise<string>;
  getToken(): Promise<string>;
}

/** The client exists before its target does: suites are described first and run later. */
function lateClient(): { readonly target: LateTarget; readonly api: WebApiClient } {
  const target: LateTarget = { url: '', token: Promise.resolve(''), getToken: () => target.token };
  return { target, api: new WebApiClient(target) };
}

/**
 * A part of the contract that every environment keeps, as a function of a client. Runs against the emulator, or against the
 * environment that `DATAVERSE_CONTRACT_URL` and `DATAVERSE_CONTRACT_TOKEN` name.
 */
export function contract(name: string, suite: (api: WebApiClient) => void): void {
  describe(name, () => {
    const { target, api } = lateClient();
    let emulator: Emulator | undefined;
    beforeAll(async () => {
      emulator = environmentUrl === undefined ? await startSuiteEmulator() : undefined;
      target.url = emulator?.url ?? environmentUrl ?? '';
      target.token = emulator === undefined ? Promise.resolve(environmentToken ?? '') : tokenFor(emulator);
    });
    afterAll(() => emulator?.close());
    suite(api);
  });
}

/** Parts that start emulators of their own, or need what no environment offers: skipped when another environment is the target. */
export function emulatorOnly(name: string, suite: () => void): void {
  describe.skipIf(environmentUrl !== undefined)(name, suite);
}

export interface Stage {
  readonly api: WebApiClient;
  /** The running emulator. */
  readonly emulator: () => Emulator;
}

/**
 * A part of the contract that needs settings, faults or the control API, and so runs against the emulator only. Settings and
 * faults are put back after each test.
 */
export function emulatorContract(name: string, options: EmulatorOptions, suite: (stage: Stage) => void): void {
  emulatorOnly(name, () => {
    const { target, api } = lateClient();
    let running: Emulator | undefined;
    let settings: SettingsPatch = {};
    const emulator = (): Emulator => {
      if (running === undefined) throw new Error('the emulator has not started');
      return running;
    };
    beforeAll(async () => {
      running = await startSuiteEmulator(options);
      target.url = running.url;
      target.token = tokenFor(running);
      const { profile: _, ...changeable } = running.settings();
      settings = changeable;
    });
    afterEach(() => {
      emulator().changeSettings(settings);
      emulator().faults.clear();
    });
    afterAll(() => running?.close());
    suite({ api, emulator });
  });
}
