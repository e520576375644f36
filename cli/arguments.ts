import { parseArgs, type ParseArgsConfig } from 'node:util';
import { optionFault, UsageError } from './errors.ts';

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
  | (Connection & { readonly kind: 'plan'; readonly specFile: string; readonly json: boolean })
  | (Connection & { readonly kind: 'failures'; readonly runId: string; readonly format: 'jsonl' | 'csv' })
  | (Connection & {
      readonly kind: 'order';
      readonly order: Order;
      readonly runId: string;
      readonly watch: boolean;
      readonly idempotencyKey?: string;
      /** Of a redrive. */
      readonly body?: object;
    })
  | (Connection & { readonly kind: 'watch'; readonly runId: string })
  | (Connection & { readonly kind: 'show'; readonly runId: string; readonly json: boolean });

/** What can be asked of a run; a redrive and an undo are runs of their own. */
export const orders = ['redrive', 'undo', 'cancel', 'pause', 'unpause', 'resume'] as const;
export type Order = (typeof orders)[number];

const defaultUrl = 'http://127.0.0.1:7071';

const refusals = `  2  the command line or the run spec is wrong, or the service refused the request
  3  the service cannot be reached`;

const exitCodes = `Exit codes
  0  the run completed without a rejected row (or was accepted, without --watch)
  1  the run ended in another way; the text says why
${refusals}`;

const connectionHelp = `  --url URL   where the app answers (FANOUT_URL, default ${defaultUrl})
  --key KEY   function key (FANOUT_KEY)`;

const helpTexts = {
  fanout: `fanout: bulk runs on Microsoft Dataverse

  fanout plan SPEC.json  tells how long the run of a spec will take, and what it will use
  fanout run SPEC.json   starts a run from a run spec
  fanout watch RUNID     draws the progress of a run until it ends
  fanout show RUNID      prints the report of a run
  fanout failures RUNID  prints the rows that went wrong, and why
  fanout redrive RUNID   sends the rows again that were rejected, are unknown or were not attempted
  fanout undo RUNID      deletes the rows that a create run created
  fanout cancel|pause|unpause RUNID
                         stops a run, holds it, lets it go on
  fanout resume RUNID    lets a run go on that has lost its orchestration

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
  failures: `fanout failures RUNID [options]: prints the rows that were rejected or are unknown, as JSON lines

  --csv       the original columns and the reason; mended, it can be given to redrive --source
${connectionHelp}

${exitCodes}`,
  redrive: `fanout redrive RUNID [options]: a run over the rows of an ended run that are left to be done

  --outcome LIST            of rejected, unknown, notAttempted (default all three)
  --class LIST              rejected rows of these classes only: source, mapping, service
  --code LIST               rejected rows with these error codes only
  --source CONTAINER/BLOB   an edited file: a mended failures.csv, or the whole source with as many rows
  --watch                   draws progress until the run ends, then prints the report
  --idempotency-key K       the same key gives the same run
${connectionHelp}

${exitCodes}`,
  order: `fanout undo|cancel|pause|unpause|resume RUNID [options]

  undo       deletes exactly the rows a create run created; rows changed since are kept and listed
  cancel     stops the run; rows without an outcome become notAttempted
  pause      holds the run; unpause lets it go on
  resume     lets a run go on from its ledger when its orchestration is gone

  --watch                draws progress until the run ends, then prints the report
  --idempotency-key K    undo: the same key gives the same run
${connectionHelp}

${exitCodes}`,
  plan: `fanout plan SPEC.json [options]: tells how long the run of a spec will take and what it will use; starts nothing

  SPEC.json   - reads the spec from standard input
  --json      the plan as the service gives it
${connectionHelp}

Exit codes
  0  the plan was printed
${refusals}`,
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
    case 'plan':
      return readPlan(rest, env);
    case 'run':
      return readRun(rest, env);
    case 'watch':
      return readWatch(rest, env);
    case 'show':
      return readShow(rest, env);
    case 'failures':
      return readFailures(rest, env);
    case 'redrive':
      return readRedrive(rest, env);
    default:
      return readOrder(name, rest, env);
  }
}

function readFailures(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { values, positionals } = parse('failures', args, { ...shared, csv: { type: 'boolean' } } as const);
  if (values.help === true) return { kind: 'help', text: helpTexts.failures };
  const runId = onlyPositional('failures', 'RUNID', positionals);
  return { kind: 'failures', runId, format: values.csv === true ? 'csv' : 'jsonl', ...connectionOf(values, env) };
}

const ordering = { ...shared, watch: { type: 'boolean' }, 'idempotency-key': { type: 'string' } } as const;

function readRedrive(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const text = { type: 'string' } as const;
  const options = { ...ordering, outcome: text, class: text, code: text, source: text } as const;
  const { values, positionals } = parse('redrive', args, options);
  if (values.help === true) return { kind: 'help', text: helpTexts.redrive };
  const rows = {
    ...(values.outcome === undefined ? {} : { outcomes: values.outcome.split(',') }),
    ...(values.class === undefined ? {} : { classes: values.class.split(',') }),
    ...(values.code === undefined ? {} : { codes: values.code.split(',') }),
  };
  const body = { rows, ...(values.source === undefined ? {} : { source: blobOf(values.source) }) };
  return { ...order('redrive', positionals, values), body, ...connectionOf(values, env) };
}

function blobOf(path: string): { readonly container: string; readonly blob: string; readonly format: string } {
  const slash = path.indexOf('/');
  if (slash < 1) throw new UsageError(`"${path}" is not CONTAINER/BLOB (--source).`);
  const format = path.endsWith('.jsonl') ? 'jsonl' : 'csv';
  return { container: path.slice(0, slash), blob: path.slice(slash + 1), format };
}

function readOrder(name: string, args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const known = orders.find((order) => order === name);
  if (known === undefined) {
    const commands = ['plan', 'run', 'watch', 'show', 'failures', ...orders].join(', ');
    throw new UsageError(`Unknown command "${name}". Commands: ${commands}.`);
  }
  const { values, positionals } = parse(name, args, ordering);
  if (values.help === true) return { kind: 'help', text: helpTexts.order };
  return { ...order(known, positionals, values), ...connectionOf(values, env) };
}

function order(name: Order, positionals: readonly string[], values: { watch?: boolean; 'idempotency-key'?: string }) {
  const idempotencyKey = values['idempotency-key'];
  return {
    kind: 'order',
    order: name,
    runId: onlyPositional(name, 'RUNID', positionals),
    watch: values.watch === true,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: headerValue('--idempotency-key', idempotencyKey) }),
  } as const;
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

function readPlan(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { values, positionals } = parse('plan', args, { ...shared, json: { type: 'boolean' } } as const);
  if (values.help === true) return { kind: 'help', text: helpTexts.plan };
  const specFile = onlyPositional('plan', 'SPEC.json', positionals);
  return { kind: 'plan', specFile, json: values.json === true, ...connectionOf(values, env) };
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
    throw new UsageError(`fanout ${command}: ${optionFault(error)}`);
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
