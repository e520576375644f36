import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientOf, startSuiteEmulator } from '../support/start.ts';

describe('an emulator with a data folder', () => {
  it('gives rows created after a restart ids that no earlier row has', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'emulator-data-'));
    try {
      for (const life of [1, 2, 3]) {
        const emulator = await startSuiteEmulator({ dataDir, seed: 7 });
        const { status, text } = await clientOf(emulator).send('POST', 'accounts', { name: `life ${life}` });
        expect(`${status} ${text}`).toBe('204 ');
        await emulator.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
