import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runNpm } from './run-npm.ts';

/**
 * Runs a JavaScript file on the oldest Node that package.json allows: `node scripts/on-oldest-node.ts FILE ARGUMENTS`. That Node comes
 * from the npm registry, once, into .local; `node` in PATH stays what it is, so npm scripts started from there run on the pinned one.
 */
const root = fileURLToPath(new URL('..', import.meta.url));

function oldestNode(): string {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  const version = engines.node.replace('>=', '');
  const isWindows = process.platform === 'win32';
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
  const folder = join(root, '.local', 'oldest-node', version);
  const program = join(folder, 'node_modules', name, 'bin', isWindows ? 'node.exe' : 'node');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    runNpm(folder, ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${name}@${version}`]);
  }
  return program;
}

const { status, error } = spawnSync(oldestNode(), process.argv.slice(2), { cwd: root, stdio: 'inherit' });
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
