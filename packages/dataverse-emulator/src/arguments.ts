import { profiles } from './settings/profiles.ts';

export interface Arguments {
  readonly port: number;
  readonly profile: string;
  readonly schemaFiles: readonly string[];
  readonly dataDir: string | undefined;
  readonly seed: number | undefined;
  readonly identityHeader: string | undefined;
  /** `real`, `virtual`, or how many times as fast as the system's time passes. */
  readonly clock: 'real' | 'virtual' | number;
  readonly help: boolean;
}

/** A command line that cannot be obeyed; the message names the flag. */
export class ArgumentsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ArgumentsError';
  }
}

export const defaultPort = 7080;
/** Above this the resolution of timers is worth more than a second. */
const maxClockFactor = 1000;

export const helpText = `Usage: dataverse-emulator [options]

The Microsoft Dataverse Web API on localhost.

  --port N                 port on 127.0.0.1; 0 takes any free one (default ${defaultPort})
  --profile NAME           limits, latency and hint (default documented):
                           ${[...profiles.keys()].join(', ')}
  --schema FILE            custom tables from a JSON file; may be repeated
  --data DIR               keep the tables in DIR, so that they survive a restart
  --seed N                 seed of every random choice
  --identity-header VALUE  accept only this X-IDENTITY-HEADER at /msi/token
  --clock KIND             real (default); a number N: N times as fast; virtual: moves by
                           POST /_emulator/clock only
  --help                   show this text
`;

function wholeNumber(flag: string, text: string, maximum: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= maximum) return value;
  throw new ArgumentsError(`${flag} must be a whole number from 0 to ${maximum}, not '${text}'`);
}

function clockKind(text: string): Arguments['clock'] {
  if (text === 'real' || text === 'virtual') return text;
  const factor = Number(text);
  if (text.trim() !== '' && factor > 0 && factor <= maxClockFactor) return factor;
  throw new ArgumentsError(`--clock must be real, virtual or a number up to ${maxClockFactor}, not '${text}'`);
}

/** Throws `ArgumentsError` for unknown flags, missing values and values out of range. */
export function parseArguments(argv: readonly string[]): Arguments {
  const values = new Map<string, string[]>();
  const known = ['--port', '--profile', '--schema', '--data', '--seed', '--identity-header', '--clock'];
  for (let index = 0; index < argv.length; index += 1) {
    const [flag = '', ...inline] = (argv[index] ?? '').split('=');
    if (flag === '--help' || flag === '-h') values.set('--help', []);
    else if (!known.includes(flag)) throw new ArgumentsError(`unknown flag '${flag}'`);
    else {
      const value = inline.length > 0 ? inline.join('=') : argv[(index += 1)];
      if (value === undefined) throw new ArgumentsError(`${flag} needs a value`);
      values.set(flag, [...(values.get(flag) ?? []), value]);
    }
  }
  const last = (flag: string): string | undefined => values.get(flag)?.at(-1);
  const profile = last('--profile') ?? 'documented';
  if (!profiles.has(profile))
    throw new ArgumentsError(`--profile must be one of ${[...profiles.keys()].join(', ')}, not '${profile}'`);
  const seed = last('--seed');
  return {
    port: wholeNumber('--port', last('--port') ?? String(defaultPort), 65_535),
    profile,
    schemaFiles: values.get('--schema') ?? [],
    dataDir: last('--data'),
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed, Number.MAX_SAFE_INTEGER),
    identityHeader: last('--identity-header'),
    clock: clockKind(last('--clock') ?? 'real'),
    help: values.has('--help'),
  };
}
