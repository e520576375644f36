import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Guard } from './guards.ts';

export interface Noticed {
  /** The first test that fails. */
  readonly test?: string;
  /** Where no test does: the first seed with a violation, and the violation. */
  readonly seed?: string;
}

/** A copy of the project in which guards can be taken away. */
export interface Copy {
  readonly without: (guard: Guard, seeds: number) => Promise<Noticed>;
  readonly remove: () => Promise<void>;
}

const copied = [
  'src',
  'test',
  'cli',
  'scripts',
  'samples',
  'bench',
  'packages',
  'package.json',
  'tsconfig.json',
  'tsconfig.base.json',
  'vitest.config.ts',
];

export async function copyProject(root: string): Promise<Copy> {
  const dir = await mkdtemp(join(tmpdir(), 'fanout-guards-'));
  for (const name of copied) {
    await cp(join(root, name), join(dir, name), { recursive: true, filter: (path) => !path.endsWith('node_modules') });
  }
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  return {
    async without(guard, seeds) {
      const path = join(dir, guard.file);
      const text = await readFile(path, 'utf8');
      await writeFile(path, withoutGuard(guard, text));
      try {
        const test = await failingTest(dir, guard.tests ?? []);
        const seed = test === undefined ? await failingSeed(dir, seeds) : undefined;
        return { ...(seed === undefined ? {} : { seed }), ...(test === undefined ? {} : { test }) };
      } finally {
        await writeFile(path, text);
      }
    },
    remove: async () => rm(dir, { recursive: true, force: true }),
  };
}

function withoutGuard({ guard, file, find, put }: Guard, text: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`"${guard}": its text is ${parts.length - 1} times in ${file}, not once.`);
  return parts.join(put);
}

async function failingSeed(dir: string, seeds: number): Promise<string | undefined> {
  const output = await run(dir, ['test/chaos/main.ts', '--seeds', String(seeds), '--bail']);
  const [, seed, scenario] = /^seed (\d+) \((.*)\), repeat it/m.exec(output) ?? [];
  const [, violation] = /^ {2}(.*)$/m.exec(output) ?? [];
  if (seed !== undefined)
    return `seed ${seed} (${(scenario ?? '').split(',')[0] ?? ''}): ${(violation ?? '').slice(0, 90)}`;
  return output.includes(' seeds, 0 with violations') ? undefined : `the seeds do not run: ${output.slice(-200)}`;
}

interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function failingTest(dir: string, files: readonly string[]): Promise<string | undefined> {
  if (files.length === 0) return undefined;
  const missing = files.find((file) => !existsSync(join(dir, file)));
  if (missing !== undefined) throw new Error(`There is no test ${missing}.`);
  const to = join(dir, 'tests.json');
  const options = ['run', '--project', 'unit', '--project', 'contract', '--reporter=json', `--outputFile=${to}`];
  await run(dir, [join(dir, 'node_modules/vitest/vitest.mjs'), ...options, ...files]);
  const { testResults } = JSON.parse(await readFile(to, 'utf8')) as TestReport;
  for (const { name, assertionResults, message } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    const file = name.slice(name.indexOf('/test/') + 1);
    if (failed !== undefined) return `${file} > ${failed.fullName}`;
    if (assertionResults.length === 0) return `${file} does not run: ${message.slice(0, 200)}`;
  }
  return undefined;
}

async function run(cwd: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => child.once('close', resolve));
  return Buffer.concat(chunks).toString('utf8');
}
