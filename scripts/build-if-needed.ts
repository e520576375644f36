import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What `npm run build` makes: sources, and the file that tells when they were last compiled. */
const projects = [
  { source: 'src', output: 'dist/index.js' },
  { source: 'packages/dataverse-emulator/src', output: 'packages/dataverse-emulator/dist/cli.js' },
  { source: 'packages/functions-host/src', output: 'packages/functions-host/dist/cli.js' },
];

/** Runs `npm run build` when an output is missing or older than a source; answers whether it did. Throws when the build fails. */
export async function buildIfNeeded(root: string): Promise<boolean> {
  const stale = await Promise.all(
    projects.map(({ source, output }) => isStale({ source: join(root, source), output: join(root, output) })),
  );
  if (!stale.includes(true)) return false;
  const args = ['run', '--silent', 'build'];
  const options: SpawnSyncOptions = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
  // npm tells its scripts where its own program is; outside of npm the one in PATH is asked.
  const npmProgram = process.env['npm_execpath'];
  const { status, error } = npmProgram?.endsWith('.js')
    ? spawnSync(process.execPath, [npmProgram, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status !== 0) throw new Error('npm run build failed', { cause: error });
  return true;
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
