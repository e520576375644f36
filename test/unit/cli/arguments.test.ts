import { describe, expect, test } from 'vitest';
import { readArguments } from '../../../cli/arguments.ts';
import { UsageError } from '../../../cli/errors.ts';

describe('the command line', () => {
  test('takes URL and key from the environment, and options before both', () => {
    const env = { FANOUT_URL: 'https://app.example', FANOUT_KEY: 'from-env' };
    expect(readArguments(['watch', 'r1'], env)).toEqual({
      kind: 'watch',
      runId: 'r1',
      url: 'https://app.example',
      key: 'from-env',
    });
    expect(readArguments(['watch', 'r1', '--url', 'http://[::1]:1', '--key', 'k'], env)).toMatchObject({
      url: 'http://[::1]:1',
      key: 'k',
    });
  });

  test('asks the local host when nothing names a URL', () => {
    expect(readArguments(['show', 'r1', '--json'], { FANOUT_URL: '' })).toEqual({
      kind: 'show',
      runId: 'r1',
      json: true,
      url: 'http://127.0.0.1:7071',
    });
  });

  test('names an option that does not exist, and no more', () => {
    expect(() => readArguments(['run', 'spec.json', '--wach'], {})).toThrow(/^fanout run: Unknown option '--wach'\.$/);
  });

  test('reads every option of run', () => {
    expect(readArguments(['run', 'spec.json', '--watch', '--idempotency-key', 'load-1'], {})).toEqual({
      kind: 'run',
      specFile: 'spec.json',
      watch: true,
      idempotencyKey: 'load-1',
      url: 'http://127.0.0.1:7071',
    });
  });

  test('reads every option of redrive', () => {
    const args = ['redrive', 'r1', '--outcome', 'rejected,unknown', '--class', 'mapping', '--source', 'in/a/b.csv'];
    expect(readArguments([...args, '--watch'], {})).toEqual({
      kind: 'order',
      order: 'redrive',
      runId: 'r1',
      watch: true,
      body: {
        rows: { outcomes: ['rejected', 'unknown'], classes: ['mapping'] },
        source: { container: 'in', blob: 'a/b.csv', format: 'csv' },
      },
      url: 'http://127.0.0.1:7071',
    });
  });

  test.each([[['help']], [['--help']], [['run', '--help']], [['watch', '-h']], [['show', 'r1', '--help']]])(
    'answers %j with help that tells the exit codes',
    (args) => {
      expect(readArguments(args, {})).toMatchObject({ kind: 'help', text: expect.stringContaining('Exit codes') });
    },
  );

  test.each([
    [['start'], 'start'],
    [['run'], 'SPEC.json'],
    [['redrive', 'r1', '--source', 'nofolder.csv'], 'nofolder.csv'],
    [['undo'], 'RUNID'],
    [['watch', 'r1', 'r2'], 'r2'],
    [['run', 'spec.json', '--wach'], '--wach'],
    [['show', 'r1', '--url'], '--url'],
    [['show', 'r1', '--url', 'ftp://x'], 'ftp://x'],
    [['show', 'r1', '--key', 'a b'], '--key'],
    [['run', 's.json', '--idempotency-key', 'a\nb'], '--idempotency-key'],
  ])('refuses %j and names what is wrong', (args, named) => {
    expect(() => readArguments(args, {})).toThrow(UsageError);
    expect(() => readArguments(args, {})).toThrow(named);
  });
});
