import { spawnSync, type SpawnSyncOptions } from 'node:child_process';

/** Runs npm in a folder; its output goes where ours goes. Throws when it ends otherwise than well. */
export function runNpm(cwd: string, args: readonly string[]): void {
  // npm tells its scripts where its own program is; outside of npm the one in PATH is asked.
  const program = process.env['npm_execpath'];
  const options: SpawnSyncOptions = { cwd, stdio: ['ignore', 'inherit', 'inherit'] };
  const { status, error } = program?.endsWith('.js')
    ? spawnSync(process.execPath, [program, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed`, { cause: error });
}
