// Runs before every npm script that needs node_modules, on whatever Node the machine has: no dependencies, no TypeScript.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** The first Node that runs TypeScript files without a flag and has node:sqlite without one; package.json "engines". */
const oldestNode = [22, 19];

/**
 * Whether `node_modules` holds what `package-lock.json` asks for.
 *
 * @param {string} root folder of both
 * @returns {'installed' | 'missing' | 'outdated'}
 */
function installState(root) {
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return 'missing';
  const lock = readFileSync(join(root, 'package-lock.json'));
  if (readIfExists(stampPath(root)) === sha256(lock)) return 'installed';
  // No stamp of this lockfile: `npm install` may have done the work all the same, npm's own record of the tree tells.
  const installed = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  return isCovered(JSON.parse(lock.toString('utf8')).packages, installed) ? 'installed' : 'outdated';
}

/** Notes that `node_modules` was installed from the present lockfile; it only saves time, so a folder that cannot be written does without. */
function writeStamp(root) {
  const stamp = sha256(readFileSync(join(root, 'package-lock.json')));
  if (readIfExists(stampPath(root)) === stamp) return;
  try {
    writeFileSync(stampPath(root), stamp);
  } catch {
    // Looked at npm's own record again next time.
  }
}

function isCovered(wanted, installed) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') || entry.link === true) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function stampPath(root) {
  return join(root, 'node_modules', '.package-lock.sha256');
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function readIfExists(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** npm tells its scripts where its own program is; outside of npm the one in PATH is asked. */
function runNpmCi(root) {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const npmProgram = process.env.npm_execpath;
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const { status, error } = npmProgram?.endsWith('.js')
    ? spawnSync(process.execPath, [npmProgram, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm ci ended with exit code ${String(status)}`);
}

const lockCheckMs = 200;
const longestWaitMs = 10 * 60_000;

/** Two installations at once would take files away from each other; the later one waits until the earlier has ended, in whatever way. */
function withLock(root, install) {
  const lock = join(root, '.local', 'setup.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let waitedMs = 0; !takeLock(lock); waitedMs += lockCheckMs) {
    if (waitedMs === 0) process.stderr.write('setup: another command is installing, waiting for it\n');
    if (waitedMs > longestWaitMs)
      throw new Error(`another command has held ${lock} for ten minutes; remove it if none runs`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockCheckMs);
  }
  try {
    install();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (isAlive(Number(readIfExists(lock)))) return false;
  rmSync(lock, { force: true });
  return takeLock(lock);
}

/** A lock whose process id is not written yet is a live one. */
function isAlive(pid) {
  if (!(pid > 0)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Scripts run on the Node in node_modules/.bin, or on the machine's own where that one is missing. */
function assertNode(root) {
  const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const program = existsSync(pinned) ? pinned : 'node';
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? 'none';
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(
    `needs Node ${oldestNode.join('.')} or newer, found ${version}: the package "node" could not be set up, ` +
      'perhaps because npm is told to skip install scripts (ignore-scripts)',
  );
}

function ensureInstalled(root) {
  if (installState(root) !== 'installed') withLock(root, () => install(root));
  assertNode(root);
  writeStamp(root);
}

function install(root) {
  const state = installState(root);
  if (state === 'installed') return;
  process.stderr.write(`setup: node_modules is ${state}, running npm ci (about a minute)\n`);
  runNpmCi(root);
}

try {
  ensureInstalled(dirname(import.meta.dirname));
} catch (error) {
  process.stderr.write(`setup failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
