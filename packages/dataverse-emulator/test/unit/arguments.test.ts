import { describe, expect, it } from 'vitest';
import { ArgumentsError, parseArguments } from '../../src/arguments.ts';

describe('parseArguments', () => {
  it('has defaults', () => {
    expect(parseArguments([])).toEqual({
      port: 7080,
      profile: 'documented',
      schemaFiles: [],
      dataDir: undefined,
      seed: undefined,
      identityHeader: undefined,
      clock: 'real',
      help: false,
    });
  });

  it('reads every flag, with a space or an equals sign', () => {
    const argv = [
      '--port',
      '0',
      '--profile=fast',
      '--schema',
      'a',
      '--schema=b',
      '--data',
      'd',
      '--seed',
      '7',
      '--identity-header',
      'x=y',
      '--clock',
      '60',
      '--help',
    ];
    expect(parseArguments(argv)).toEqual({
      port: 0,
      profile: 'fast',
      schemaFiles: ['a', 'b'],
      dataDir: 'd',
      seed: 7,
      identityHeader: 'x=y',
      clock: 60,
      help: true,
    });
  });

  it.each([
    [['--bogus'], /'--bogus'/],
    [['file'], /'file'/],
    [['--port'], /--port needs a value/],
    [['--port', '70000'], /--port/],
    [['--seed', '1.5'], /--seed/],
    [['--clock', '0'], /--clock must be real, virtual or a number up to 1000, not '0'/],
    [['--clock', 'fast'], /--clock/],
    [['--profile', 'slow'], /--profile must be one of documented-1/],
  ])('refuses %o and names the flag', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(ArgumentsError);
    expect(() => parseArguments(argv)).toThrow(message);
  });
});
