import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** An option of a command, as its usage text and its errors tell of it. */
export type CommandOption = WholeOption | TextOption | FlagOption;

export interface WholeOption {
  readonly kind: 'whole';
  readonly about: string;
  readonly least: number;
  readonly most: number;
  readonly default?: number;
}

export interface TextOption {
  readonly kind: 'text';
  readonly about: string;
  /** What stands for the value in the usage text: `FILE`. */
  readonly value: string;
  readonly default?: string;
  /** The only values there are. */
  readonly oneOf?: readonly string[];
}

export interface FlagOption {
  readonly kind: 'flag';
  readonly about: string;
}

/** A command that is run for its output: a bench, or tests that take their time. */
export interface CommandUsage<Options extends Readonly<Record<string, CommandOption>>> {
  /** How it is called: `npm run bench`. */
  readonly command: string;
  readonly about: string;
  readonly options: Options;
  /** Behind the options. */
  readonly notes?: string;
}

type ValueOf<O> = O extends FlagOption ? boolean : OrMissing<O, O extends WholeOption ? number : string>;
type OrMissing<O, Value> = O extends { readonly default: Value } ? Value : Value | undefined;
export type OptionValues<Options> = { readonly [Name in keyof Options]: ValueOf<Options[Name]> };

type Usage = CommandUsage<Readonly<Record<string, CommandOption>>>;

/** A value that an option cannot have; it says so where the command line is read. */
export class OptionError extends Error {}

const usageExitCode = 2;

/** The options of this process. Prints help, or what is wrong with them, and ends the process. */
export function readOptions<const Options extends Readonly<Record<string, CommandOption>>>(
  usage: CommandUsage<Options>,
): OptionValues<Options> {
  try {
    const values = parseOptions(usage, process.argv.slice(2));
    if (values !== undefined) return values;
    console.log(usageText(usage));
    process.exit(0);
  } catch (error) {
    refuse(usage, error);
  }
}

/** Ends the process when an option's value turns out to be of no use; other errors go on their way. */
export function refuse({ command }: Pick<Usage, 'command'>, error: unknown): never {
  if (!(error instanceof OptionError)) throw error;
  console.error(`${error.message}\n${command} -- --help tells the options.`);
  process.exit(usageExitCode);
}

/** Undefined when help is asked for. Throws `OptionError`. */
export function parseOptions<const Options extends Readonly<Record<string, CommandOption>>>(
  { options }: Pick<CommandUsage<Options>, 'options'>,
  args: readonly string[],
): OptionValues<Options> | undefined {
  const given = parse(options, args);
  if (given['help'] === true) return undefined;
  const values = Object.entries(options).map(([name, option]) => [name, valueOf(name, option, given[name])]);
  return Object.fromEntries(values) as OptionValues<Options>;
}

function parse(options: Usage['options'], args: readonly string[]): Readonly<Record<string, unknown>> {
  const types = Object.entries(options).map(
    ([name, { kind }]) => [name, { type: kind === 'flag' ? 'boolean' : 'string' }] as const,
  );
  const known: ParseArgsOptionsConfig = { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } };
  try {
    return parseArgs({ args: [...args], options: known }).values;
  } catch (error) {
    // What comes behind the first sentence is about positional arguments, of which there are none.
    const [first = ''] = error instanceof Error ? error.message.split(/\. |\n/) : [String(error)];
    throw new OptionError(first.endsWith('.') ? first : `${first}.`);
  }
}

function valueOf(name: string, option: CommandOption, given: unknown): boolean | number | string | undefined {
  if (option.kind === 'flag') return given === true;
  if (typeof given !== 'string') return option.default;
  return option.kind === 'whole' ? wholeOf(name, option, given) : textOf(name, option, given);
}

function wholeOf(name: string, { least, most }: WholeOption, given: string): number {
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new OptionError(`--${name} is a whole number from ${shown(least)} to ${shown(most)}; it is "${given}".`);
}

function textOf(name: string, { value, oneOf }: TextOption, given: string): string {
  if (given === '') throw new OptionError(`--${name} is empty; it wants ${value}.`);
  if (oneOf === undefined || oneOf.includes(given)) return given;
  throw new OptionError(`--${name} is one of ${oneOf.join(', ')}; it is "${given}".`);
}

export function usageText({ command, about, options, notes }: Usage): string {
  const lines = Object.entries(options).map(
    ([name, option]) => [`--${name}${placeholder(option)}`, told(option)] as const,
  );
  const width = Math.max(...lines.map(([left]) => left.length));
  return [
    `${command} -- [options]: ${about}`,
    '',
    ...lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    ...(notes === undefined ? [] : ['', notes]),
  ].join('\n');
}

function placeholder(option: CommandOption): string {
  if (option.kind === 'flag') return '';
  return option.kind === 'whole' ? ' N' : ` ${option.value}`;
}

function told(option: CommandOption): string {
  if (option.kind === 'flag') return option.about;
  const bounds =
    option.kind === 'whole' ? `${shown(option.least)} to ${shown(option.most)}` : (option.oneOf?.join(', ') ?? '');
  const fallback = option.default === undefined ? '' : `default ${shown(option.default)}`;
  const facts = [bounds, fallback].filter((text) => text !== '').join('; ');
  return facts === '' ? option.about : `${option.about} (${facts})`;
}

const shown = (value: number | string): string => (typeof value === 'number' ? value.toLocaleString('en') : value);
