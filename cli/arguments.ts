import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './errors.ts';

interface Connection {
  readonly url: string;
  readonly key?: string;
}

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help'; readonly text: string }
  | (Connection & {
      readonly kind: 'run';
      readonly specFile: string;
      readonly watch: boolean;
      readonly idempotencyKey?: string;
    })
  | (Connection & { readonly kind: 'watch'; readonly runId: string })
  | (Connection & { readonly kind: 'show'; readonly runId: string; readonly json: boolean });

const defaultUrl = 'http://127.0.0.1:7071';

const exitCodes = `Exit codes
  0  the run completed without a rejected row (or was accepted, without --watch)
  1  the run ended in another way; the text says why
  2  the command line or the run spec is wrong, or the service refused the request
  3  the service cannot be reached`;

const connectionHelp = `  --url URL   where the app answers (FANOUT_URL, default ${defaultUrl})
  --key KEY   function key (FANOUT_KEY)`;

const helpTexts = {
  fanout: `fanout: bulk runs on Microsoft Dataverse

  fanout run SPEC.json   starts a run from a run spec
  fanout watch RUNID     draws the progress of a run until it ends
  fanout show RUNID      prints the report of a run

fanout COMMAND --help tells the options of a command.

${exitCodes}`,
  run: `fanout run SPEC.json [options]: starts a run from a run spec ("-" reads it from standard input)

  --watch                draws progress until the run ends, then prints the report
  --idempotency-key K    the same key with the same spec gives the same run
${connectionHelp}

${exitCodes}`,
  watch: `fanout watch RUNID [options]: draws the progress of a run until it ends, then prints the report

${connectionHelp}

${exitCodes}`,
  show: `fanout show RUNID [options]: prints the report of a run, or where it stands while there is none

  --json      the report as the service gives it (the run, while there is no report)
${connectionHelp}

${exitCodes}`,
} as const;

const shared = { url: { type: 'string' }, key: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;

/** Reads a command line (without `node` and the script). Throws `UsageError` that names the argument at fault. */
export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const [name, ...rest] = args;
  switch (name) {
    case undefined:
      throw new UsageError(`A command is missing.\n\n${helpTexts.fanout}`);
    case 'help':
    case '--help':
    case '-h':
      return { kind: 'help', text: helpTexts.fanout };
    case 'run':
      return readRun(rest, env);
    case 'watch':
      return readWatch(rest, env);
    case 'show':
      return readShow(rest, env);
    default:
      throw new UsageError(`Unknown command "${name}". Commands: run, watch, show.`);
  }
}

function readRun(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const options = { ...shared, watch: { type: 'boolean' }, 'idempotency-key': { type: 'string' } } as const;
  const { values, positionals } = parse('run', args, options);
  if (values.help === true) return { kind: 'help', text: helpTexts.run };
  const idempotencyKey = values['idempotency-key'];
  return {
    kind: 'run',
    specFile: onlyPositional('run', 'SPEC.json', positionals),
    watch: values.watch === true,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: headerValue('--idempotency-key', idempotencyKey) }),
    ...connectionOf(values, env),
  };
}

function readWatch(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { values, positionals } = parse('watch', args, shared);
  if (values.help === true) return { kind: 'help', text: helpTexts.watch };
  return { kind: 'watch', runId: onlyPositional('watch', 'RUNID', positionals), ...connectionOf(values, env) };
}

function readShow(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { values, positionals } = parse('show', args, { ...shared, json: { type: 'boolean' } } as const);
  if (values.help === true) return { kind: 'help', text: helpTexts.show };
  const runId = onlyPositional('show', 'RUNID', positionals);
  return { kind: 'show', runId, json: values.json === true, ...connectionOf(values, env) };
}

function parse<Options extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`fanout ${command}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function onlyPositional(command: string, name: string, positionals: readonly string[]): string {
  const [first, second] = positionals;
  if (first === undefined) throw new UsageError(`fanout ${command}: ${name} is missing.`);
  if (second !== undefined) throw new UsageError(`fanout ${command}: one ${name} is enough, found also "${second}".`);
  return first;
}

function connectionOf(values: { url?: string; key?: string }, env: NodeJS.ProcessEnv): Connection {
  const url = values.url ?? nonEmpty(env['FANOUT_URL']) ?? defaultUrl;
  const key = values.key ?? nonEmpty(env['FANOUT_KEY']);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`"${url}" is not an http or https URL (--url, FANOUT_URL).`);
  }
  return { url, ...(key === undefined ? {} : { key: headerValue('--key', key) }) };
}

function headerValue(option: string, value: string): string {
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new UsageError(`${option} must be printable ASCII without spaces.`);
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
