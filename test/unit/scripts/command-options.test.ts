import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseOptions, usageText } from '../../../scripts/command-options.ts';

const usage = {
  command: 'npm run something',
  about: 'does it',
  options: {
    rounds: { kind: 'whole', least: 1, most: 1_000, default: 2, about: 'rounds' },
    seed: { kind: 'whole', least: 1, most: 9, about: 'one seed' },
    only: { kind: 'text', value: 'PART', oneOf: ['head', 'tail'], about: 'one part' },
    json: { kind: 'text', value: 'FILE', about: 'also writes a file' },
    bail: { kind: 'flag', about: 'ends early' },
  },
  notes: 'Not measured: anything.',
} as const;

describe('the options of a command', () => {
  it('have their values, or what stands for them', () => {
    expect(parseOptions(usage, [])).toEqual({
      rounds: 2,
      seed: undefined,
      only: undefined,
      json: undefined,
      bail: false,
    });
    expect(parseOptions(usage, ['--rounds', '7', '--seed=3', '--only', 'tail', '--json', 'a', '--bail'])).toEqual({
      rounds: 7,
      seed: 3,
      only: 'tail',
      json: 'a',
      bail: true,
    });
    expect(parseOptions(usage, ['--help'])).toBeUndefined();
    expect(parseOptions(usage, ['-h', '--rounds', 'x'])).toBeUndefined();
  });

  it.each([
    [['--rounds', 'x'], '--rounds is a whole number from 1 to 1,000; it is "x".'],
    [['--rounds', '0'], '--rounds is a whole number from 1 to 1,000; it is "0".'],
    [['--rounds', '1.5'], '--rounds is a whole number from 1 to 1,000; it is "1.5".'],
    [['--rounds', '1001'], '--rounds is a whole number from 1 to 1,000; it is "1001".'],
    [['--only', 'middle'], '--only is one of head, tail; it is "middle".'],
    [['--json', ''], '--json is empty; it wants FILE.'],
    [['--round', '1'], "Unknown option '--round'."],
    [['--rounds'], "Option '--rounds <value>' argument missing."],
    [['--bail=1'], "Option '--bail' does not take an argument."],
    [['7'], "Unexpected argument '7'."],
  ])('%j are refused: %s', (args, message) => {
    expect(() => parseOptions(usage, args)).toThrow(new Error(message));
  });

  it('are explained with their bounds and defaults', () => {
    expect(usageText(usage).split('\n')).toEqual([
      'npm run something -- [options]: does it',
      '',
      '  --rounds N   rounds (1 to 1,000; default 2)',
      '  --seed N     one seed (1 to 9)',
      '  --only PART  one part (head, tail)',
      '  --json FILE  also writes a file',
      '  --bail       ends early',
      '',
      'Not measured: anything.',
    ]);
  });
});

const commands = [
  'bench/compare.ts',
  'bench/durable.ts',
  'bench/hotpath.ts',
  'bench/simulate.ts',
  'bench/host/bench.ts',
  'test/chaos/main.ts',
  'test/chaos/processes.ts',
  'test/chaos/guards.ts',
];

describe.each(commands)('%s', (command) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [command, ...args], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      encoding: 'utf8',
    });

  it('begins nothing when it is asked for help or given an option that it does not know', () => {
    const help = run('--help');
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toMatch(/^npm run (bench|chaos)[:a-z]* -- \[options\]: /);
    const wrong = run('--no-such-option');
    expect([wrong.status, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toMatch(
      /^Unknown option '--no-such-option'\.\nnpm run [:a-z]+ -- --help tells the options\.\n$/,
    );
  });
});
