import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runNpm } from './run-npm.ts';

/** What `npm run build` makes: sources, and the file that tells when they were last compiled. */
const projects = [
  { source: 'src', output: 'dist/index.js' },
  { source: 'packages/dataverse-emulator/src', output: 'packages/dataverse-emulator/dist/cli.js' },
  { source: 'packages/functions-host/src', output: 'packages/functions-host/dist/cli.js' },
];

/** Runs `npm run build` when an output is missing or older than a source, and says so first. Throws when the build fails. */
export async function buildIfNeeded(root: string, onBuild?: () => void): Promise<void> {
  const stale = await Promise.all(
    projects.map(({ source, output }) => isStale({ source: join(root, source), output: join(root, output) })),
  );
  if (!stale.includes(true)) return;
  onBuild?.();
  runNpm(root, ['run', '--silent', 'build']);
}

/** Whether the output is missing or some file below the source folder is newer. Every build writes every output. */
export async function isStale({ source, output }: { source: string; output: string }): Promise<boolean> {
  const builtMs = await modifiedMs(output);
  if (builtMs === undefined) return true;
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    const changedMs = entry.isFile() ? await modifiedMs(join(entry.parentPath, entry.name)) : undefined;
    if (changedMs !== undefined && changedMs > builtMs) return true;
  }
  return false;
}

async function modifiedMs(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.mtimeMs;
}
