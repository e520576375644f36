import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The workspaces are tested from their sources; only the end-to-end lane runs what `npm run build` made. */
const alias = {
  'dataverse-emulator': source('./packages/dataverse-emulator/src/index.ts'),
  'functions-host': source('./packages/functions-host/src/index.ts'),
};

const lane = (name: string, include: string[], testTimeout: number) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  test: {
    projects: [
      lane('unit', ['test/unit/**/*.test.ts', 'packages/*/test/unit/**/*.test.ts'], 15_000),
      lane('contract', ['test/contract/**/*.test.ts', 'packages/*/test/contract/**/*.test.ts'], 60_000),
      lane('replay', ['test/replay/**/*.test.ts'], 30_000),
      lane('chaos', ['test/chaos/**/*.test.ts'], 60_000),
      lane('e2e', ['test/e2e/**/*.test.ts', 'packages/*/test/e2e/**/*.test.ts'], 300_000),
    ],
  },
});
