import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { hasEnded, type RunReport, type RunView } from './api.ts';
import type { Command } from './arguments.ts';
import { createClient, type Client } from './client.ts';
import { fileFault, RefusedError, UsageError } from './errors.ts';
import { followRun } from './follow-run.ts';
import { createProgressView, type Screen } from './progress-view.ts';
import { planLines } from './plan-view.ts';
import { reportLines, runLines } from './report-view.ts';
import { formatNoun } from './text.ts';

export const exitCode = { completed: 0, endedOtherwise: 1, usage: 2, unreachable: 3 } as const;

/** Where a command writes: results for the caller, and progress, which may be redrawn. */
export interface Output {
  readonly print: (line: string) => void;
  readonly progress: Screen;
  /** Told of the run that is being watched, so that an interrupted command can name it. */
  readonly onWatch: (runId: string) => void;
}

/** Does what the command line asks for; answers the exit code. */
export async function runCommand(command: Command, output: Output): Promise<number> {
  if (command.kind === 'help') {
    output.print(command.text);
    return exitCode.completed;
  }
  const client = createClient(command);
  switch (command.kind) {
    case 'plan':
      return planRun(client, command, output);
    case 'run':
      return startRun(client, command, output);
    case 'watch':
      return watchRun(client, command.runId, output);
    case 'show':
      return showRun(client, command, output);
    case 'failures':
      output.print((await client.getFailures(command.runId, command.format)).trimEnd());
      return exitCode.completed;
    case 'order':
      return orderRun(client, command, output);
  }
}

async function planRun(client: Client, command: Command & { kind: 'plan' }, output: Output): Promise<number> {
  const plan = await client.planRun(await readSpec(command.specFile));
  for (const line of command.json ? [JSON.stringify(plan, null, 2)] : planLines(plan)) output.print(line);
  return exitCode.completed;
}

async function startRun(client: Client, command: Command & { kind: 'run' }, output: Output): Promise<number> {
  const spec = await readSpec(command.specFile);
  const { runId } = await client.startRun(spec, command.idempotencyKey ?? randomUUID());
  if (command.watch) return watchRun(client, runId, output);
  output.print(runId);
  return exitCode.completed;
}

async function orderRun(client: Client, command: Command & { kind: 'order' }, output: Output): Promise<number> {
  const { order, body, idempotencyKey = randomUUID() } = command;
  const { runId } = await client.order(command.runId, order, { body: body ?? {}, idempotencyKey });
  if (command.watch) return watchRun(client, runId, output);
  output.print(runId);
  return exitCode.completed;
}

/** Draws the run until it ends, and prints how it ended. */
export async function watchRun(client: Client, runId: string, output: Output): Promise<number> {
  output.onWatch(runId);
  const view = createProgressView(output.progress);
  let last: RunView | undefined;
  for await (const run of followRun(client, runId)) {
    view.show(run);
    last = run;
  }
  view.end();
  if (last === undefined) throw new Error(`Run ${runId} was never seen.`);
  const report = await findReport(client, runId);
  for (const line of report === undefined ? runLines(last) : reportLines(report)) output.print(line);
  printWhereMoreIs(client, last, report, output);
  return conclude(last, report, output);
}

async function showRun(client: Client, command: Command & { kind: 'show' }, output: Output): Promise<number> {
  const { body: run } = await client.getRun(command.runId);
  const report = await findReport(client, command.runId);
  if (command.json) {
    output.print(JSON.stringify(report ?? run, undefined, 2));
  } else {
    for (const line of report === undefined ? runLines(run) : reportLines(report)) output.print(line);
    printWhereMoreIs(client, run, report, output);
  }
  if (!hasEnded(run.state)) return exitCode.completed;
  return exitCodeOf(run, report);
}

/** Undefined for a run whose books are not closed. */
async function findReport(client: Client, runId: string): Promise<RunReport | undefined> {
  try {
    return await client.getReport(runId);
  } catch (error) {
    if (error instanceof RefusedError && error.httpStatus === 404) return undefined;
    throw error;
  }
}

/** Where there is more to see: the run itself, and each row that went wrong. */
function printWhereMoreIs(client: Client, run: RunView, report: RunReport | undefined, output: Output): void {
  output.print(`Dashboard: ${client.dashboardOf(run.runId)}`);
  const { rejected = 0, unknown = 0 } = report?.counts ?? {};
  if (rejected + unknown > 0)
    output.print(`Each failed row: fanout failures ${run.runId} (--csv: a file to mend and redrive)`);
}

function conclude(run: RunView, report: RunReport | undefined, output: Output): number {
  const code = exitCodeOf(run, report);
  const rejected = rejectedRows(run, report);
  if (run.state !== 'completed') output.print(`The run ended as ${run.state}.`);
  else if (code !== exitCode.completed)
    output.print(`The run completed, but ${formatNoun(rejected, 'row')} went wrong.`);
  return code;
}

function exitCodeOf(run: RunView, report: RunReport | undefined): number {
  const isClean = run.state === 'completed' && rejectedRows(run, report) === 0;
  return isClean ? exitCode.completed : exitCode.endedOtherwise;
}

function rejectedRows(run: RunView, report: RunReport | undefined): number {
  const counts = report?.counts ?? run.progress?.counts ?? {};
  return (counts.rejected ?? 0) + (counts.unknown ?? 0) + (counts.notAttempted ?? 0);
}

async function readSpec(file: string): Promise<unknown> {
  let content: string;
  try {
    content = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`No run spec: ${fileFault(file, error)}`);
  }
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
