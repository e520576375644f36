import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/**
 * With `CI` set, the parser takes every lint for a single run over the files on disk and ignores the text it is given
 * (typescript-eslint, `disallowAutomaticSingleRunInference`); these texts stand on no disk.
 */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: { languageOptions: { parserOptions: { disallowAutomaticSingleRunInference: true } } },
});

/** Lints a text as if it stood in an existing file, because type-aware rules want a file of the project. */
async function rulesBrokenBy(text: string, filePath: string): Promise<readonly (string | null)[]> {
  const [result] = await eslint.lintText(text, { filePath: `${root}${filePath}` });
  return result?.messages.map((message) => message.ruleId) ?? [];
}

describe('the linter', () => {
  it.each([
    ['the clock', 'src/plan/waves.ts', 'export const now = (): number => Date.now();', 'no-restricted-syntax'],
    [
      'the current date',
      'src/orchestrators/wave.ts',
      'export const now = (): Date => new Date();',
      'no-restricted-syntax',
    ],
    [
      'what the oldest Node cannot run',
      'scripts/ports.ts',
      'export function hold(given: Disposable): void {\n  using held = given;\n  void held;\n}',
      'no-restricted-syntax',
    ],
    ['chance', 'src/plan/waves.ts', 'export const chance = (): number => Math.random();', 'no-restricted-properties'],
    [
      'the environment',
      'src/plan/waves.ts',
      'export const home = (): unknown => process.env;',
      'no-restricted-globals',
    ],
    ['timers', 'src/orchestrators/wave.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
    [
      'the network',
      'src/orchestrators/wave.ts',
      "void fetch('https://contoso.crm.dynamics.com');",
      'no-restricted-globals',
    ],
    [
      'module state',
      'src/orchestrators/wave.ts',
      'let waves = 0;\nexport const next = (): number => (waves += 1);',
      'no-restricted-syntax',
    ],
    [
      'Node modules',
      'src/plan/waves.ts',
      "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;",
      '@typescript-eslint/no-restricted-imports',
    ],
    [
      'activities',
      'src/orchestrators/wave.ts',
      "import { createSendRows } from '../activities/send-rows.ts';\nexport const send = createSendRows;",
      '@typescript-eslint/no-restricted-imports',
    ],
  ])('keeps %s out of replayed code (%s)', async (_what, file, text, rule) => {
    expect(await rulesBrokenBy(text, file)).toContain(rule);
  });

  it.each([
    [
      'the ledger from the client',
      'src/dataverse/client.ts',
      "import { paths } from '../ledger/paths.ts';\nexport const all = paths;",
    ],
    [
      'a package from the app',
      'src/wiring.ts',
      "import { profiles } from '../packages/dataverse-emulator/src/settings/profiles.ts';\nexport const all = profiles;",
    ],
    [
      'the app from a package',
      'packages/functions-host/src/clock.ts',
      "import { names } from '../../../src/names.ts';\nexport const all = names;",
    ],
  ])('refuses to import %s', async (_what, file, text) => {
    expect(await rulesBrokenBy(text, file)).toContain('@typescript-eslint/no-restricted-imports');
  });

  it('lets only settings.ts read the environment', async () => {
    const text = 'export const home = (): string | undefined => process.env.HOME;';
    expect(await rulesBrokenBy(text, 'src/wiring.ts')).toContain('no-restricted-properties');
    expect(await rulesBrokenBy(text, 'src/settings.ts')).not.toContain('no-restricted-properties');
  });
});
