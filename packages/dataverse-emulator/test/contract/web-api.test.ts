import { afterAll, describe } from 'vitest';
import { startSuiteEmulator, tokenFor } from '../support/start.ts';
import type { Target } from '../support/web-api-client.ts';
import { describeBatch } from './batch-contract.ts';
import { describeBulk } from './bulk-contract.ts';
import { describeQueries } from './query-contract.ts';
import { describeRows } from './row-contract.ts';

/**
 * The emulator, unless `DATAVERSE_CONTRACT_URL` and `DATAVERSE_CONTRACT_TOKEN` name an environment that has the tables of
 * `test/support/schema.ts`.
 */
const { DATAVERSE_CONTRACT_URL: realUrl, DATAVERSE_CONTRACT_TOKEN: realToken } = process.env;

describe(`Web API contract of ${realUrl ?? 'the emulator'}`, () => {
  const emulator = realUrl === undefined ? startSuiteEmulator() : undefined;
  const connect = async (): Promise<Target> => {
    if (emulator === undefined) return { url: realUrl ?? '', getToken: () => Promise.resolve(realToken ?? '') };
    const running = await emulator;
    const token = await tokenFor(running);
    return { url: running.url, getToken: () => Promise.resolve(token) };
  };
  afterAll(async () => (await emulator)?.close());

  describeRows(connect);
  describeBulk(connect);
  describeBatch(connect);
  describeQueries(connect);
});
