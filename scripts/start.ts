import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasEnded, type RunView } from '../cli/api.ts';
import { createClient } from '../cli/client.ts';
import { exitCode, watchRun } from '../cli/commands.ts';
import { optionFault, RefusedError } from '../cli/errors.ts';
import { plainLine, screenOf } from '../cli/progress-view.ts';
import { faultLines } from '../cli/report-view.ts';
import { formatCount, formatNoun } from '../cli/text.ts';
import { buildIfNeeded } from './build-if-needed.ts';
import { compareTable, isSame, type ComparedColumn, type Comparison } from './compare-table.ts';
import { countTableRows, readTableRows } from './emulator-control.ts';
import { lockFolder } from './folder-lock.ts';
import { writeCitiesCsv } from './geonames-csv.ts';
import { loopbackWithoutProxy } from './local-environment.ts';
import { startLocalStack, type LocalStack } from './local-stack.ts';
import { geonamesSchema, sampleSchemas } from './sample-schemas.ts';
import { localDir, removeStackFile, writeStackFile } from './stack-file.ts';
import { choosePorts, fanoutCommand, movedPorts } from './stack-ports.ts';
import { uploadSource } from './upload-source.ts';

const help = `npm start -- [options]: loads the cities of the world into the Dataverse emulator on this machine

  --fresh         forgets everything earlier starts left in .local
  --profile NAME  limits and speed of the emulator (default sample-12)
  --once          ends when the check is done, also on a terminal`;

const root = fileURLToPath(new URL('..', import.meta.url));
const specFile = join(root, 'samples/geonames/run-spec.json');
const csvFile = join(localDir, 'geonames/cities.csv');
const table = 'fan_city';
const keyColumn = 'fan_geonameid';

interface Options {
  readonly fresh: boolean;
  readonly once: boolean;
  readonly profile: string;
}

/** Throws where something in the way of the run is broken; a run that ended badly is an exit code. */
async function start(options: Options, interrupt: AbortSignal): Promise<number> {
  await lockFolder(localDir);
  if (options.fresh) await forgetEarlierStarts();
  await buildIfNeeded(root, () => say('Building the app, the emulator and the host'));
  const stack = await startStack(options, interrupt);
  for (const line of movedPorts(stack)) say(line);
  if (existsSync(join(root, 'local.settings.json'))) say('The settings in local.settings.json are used as well.');
  say(`Ready: the app answers at ${stack.url}, its dashboard is ${stack.url}/api/dashboard`);
  const { url, storageConnectionString } = stack;
  await writeStackFile(localDir, { pid: process.pid, url, storageConnectionString });
  try {
    await sayUnfinishedRuns(stack);
    const broken = stack.broken.then((how) => Promise.reject(new Error(how)));
    const code = await Promise.race([loadAndCheck(stack), broken, interruption(interrupt)]);
    if (!options.once && process.stdout.isTTY) {
      sayUrls(stack);
      await Promise.race([broken, interruption(interrupt).catch(() => undefined)]);
    }
    return code;
  } finally {
    await removeStackFile(localDir);
    await stack.stop();
  }
}

/** Runs that the end of an earlier start broke off go on by themselves. */
async function sayUnfinishedRuns({ url }: LocalStack): Promise<void> {
  const runs = await createClient({ url }).listRuns(100);
  const state = (run: RunView) => plainLine(run, Date.now()).replaceAll(/ +/g, ' ');
  for (const run of runs.filter((each) => !hasEnded(each.state))) {
    say(`Run ${run.runId} of an earlier start goes on, and shares the lanes with what is started now: ${state(run)}`);
  }
}

async function forgetEarlierStarts(): Promise<void> {
  // Not the folder itself: the lock in it is held.
  const kept = ['azurite', 'emulator', 'host', 'geonames', 'logs'];
  await Promise.all(kept.map((name) => rm(join(localDir, name), { recursive: true, force: true })));
}

async function startStack({ profile }: Options, signal: AbortSignal): Promise<LocalStack> {
  say(
    `Starting Azurite, the Dataverse emulator (profile ${profile}) and the function host; their logs are in .local/logs`,
  );
  const ports = await choosePorts();
  const onLine = await openLogs();
  return startLocalStack({ dir: localDir, profile, schemaFiles: sampleSchemas, ports, signal, onLine });
}

async function openLogs(): Promise<(name: string, line: string) => void> {
  const dir = join(localDir, 'logs');
  await mkdir(dir, { recursive: true });
  const names = ['azurite', 'emulator', 'host'];
  const logs = new Map(names.map((name) => [name, createWriteStream(join(dir, `${name}.log`))]));
  return (name, line) => logs.get(name)?.write(`${line}\n`);
}

/** The whole way of the sample: file, upload, run, check. Answers the exit code. */
async function loadAndCheck(stack: LocalStack): Promise<number> {
  const rowsBefore = await countTableRows(stack.emulatorUrl, table);
  const rows = await writeCitiesCsv(csvFile);
  say(`Sample: ${formatNoun(rows, 'place')} of GeoNames (CC BY 4.0, https://www.geonames.org/)`);
  await upload(stack);
  if (!(await runSample(stack, rows))) return exitCode.endedOtherwise;

  const tableRows = readTableRows(stack.emulatorUrl, table);
  const comparison = await compareTable({ file: csvFile, tableRows, columns: await readColumns(), key: keyColumn });
  for (const line of verdict(comparison, rowsBefore)) say(line);
  return isSame(comparison) ? exitCode.completed : exitCode.endedOtherwise;
}

async function upload({ storageConnectionString }: LocalStack): Promise<void> {
  const { container, blob } = (await readSpec()).source;
  const isNew = await uploadSource({ connectionString: storageConnectionString, container, blob, file: csvFile });
  say(isNew ? `Uploaded it to ${container}/${blob}` : `${container}/${blob} holds it already`);
}

/** Runs the sample as any client would; answers whether every row was upserted. */
async function runSample({ url }: LocalStack, rows: number): Promise<boolean> {
  const client = createClient({ url });
  const { runId } = await client.startRun(await readSpec(), randomUUID());
  const code = await watchRun(client, runId, {
    print: say,
    progress: screenOf(process.stdout, process.env),
    onWatch: () => say(`Run ${runId}`),
  });
  if (code !== exitCode.completed) return false;
  const { counts } = await client.getReport(runId);
  if (counts.upserted === rows) return true;
  say(`The run reports ${formatCount(counts.upserted ?? 0)} rows as upserted, the file has ${formatCount(rows)}.`);
  return false;
}

function verdict(comparison: Comparison, rowsBefore: number): string[] {
  const { fileRows, tableRows, missing, unexpected, different, examples } = comparison;
  const sizes = `table ${table} held ${formatNoun(rowsBefore, 'row')} before and holds ${formatCount(tableRows)} now`;
  if (isSame(comparison)) {
    return [
      `Check passed: ${sizes}; all ${formatNoun(fileRows, 'row')} of the file are in it, equal in every value, and nothing else.`,
    ];
  }
  const deviations = `${formatCount(missing)} missing, ${formatCount(unexpected)} unexpected, ${formatCount(different)} different`;
  const advice = 'Rows beyond the file come from other runs. To begin with empty tables: npm start -- --fresh';
  return [
    `Check FAILED: ${sizes}; compared with the ${formatNoun(fileRows, 'row')} of the file: ${deviations}.`,
    ...examples,
    ...(unexpected > 0 ? [advice] : []),
  ];
}

async function readSpec(): Promise<{ readonly source: { readonly container: string; readonly blob: string } }> {
  return JSON.parse(await readFile(specFile, 'utf8')) as Awaited<ReturnType<typeof readSpec>>;
}

async function readColumns(): Promise<readonly ComparedColumn[]> {
  const schema = JSON.parse(await readFile(geonamesSchema, 'utf8')) as {
    tables: { logicalName: string; columns: ComparedColumn[] }[];
  };
  return schema.tables.find(({ logicalName }) => logicalName === table)?.columns ?? [];
}

function sayUrls(stack: LocalStack): void {
  say('Everything stays up until Ctrl-C:');
  say(`  API        ${stack.url}/api/runs`);
  say(`  Dashboard  ${stack.url}/api/dashboard`);
  say(`  Emulator   ${stack.emulatorUrl}`);
  say(`  Storage    ${stack.blobUrl}`);
  say('A file of your own (see "Your own file" in README.md), in another terminal:');
  say('  npm run upload -- samples/customers/customers.csv');
  say(`  ${fanoutCommand(stack.url)} run samples/customers/spec.json --watch`);
}

function say(line: string): void {
  console.log(line);
}

class Interrupted extends Error {}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Interrupted());
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      fresh: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      profile: { type: 'string', default: 'sample-12' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (!values.help) return values;
  say(help);
  return undefined;
}

const parentCheckMs = 500;

/**
 * What ends everything in order before it is done: a signal, a reader of the output that went away, or the end of npm, which
 * passes SIGTERM on only as far as the shell it runs scripts in. A second signal does not wait; the children then end by themselves.
 */
function watchForInterruption(): { readonly signal: AbortSignal; readonly code: () => number } {
  const controller = new AbortController();
  let code: number = exitCode.endedOtherwise;
  const interrupt = (signalNumber: number) => {
    code = 128 + signalNumber;
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      console.error('\nStopping ... A run that is under way is kept and goes on with the next npm start.');
      interrupt(constants.signals[name]);
    });
  }
  process.stdout.on('error', () => interrupt(constants.signals.SIGPIPE));
  const parent = process.ppid;
  if (process.env['npm_lifecycle_event'] !== undefined) {
    setInterval(() => process.ppid !== parent && interrupt(constants.signals.SIGTERM), parentCheckMs).unref();
  }
  return { signal: controller.signal, code: () => code };
}

async function main(): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`${optionFault(error)}\n\n${help}`);
    return exitCode.usage;
  }
  if (options === undefined) return exitCode.completed;
  Object.assign(process.env, loopbackWithoutProxy(process.env));
  const interrupt = watchForInterruption();
  try {
    return await start(options, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.code();
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof RefusedError) console.error(faultLines(error.faults).join('\n'));
    return exitCode.endedOtherwise;
  }
}

// Not exitCode alone: a request that was being waited for when Ctrl-C came would hold the process.
process.exit(await main());
