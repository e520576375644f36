#!/usr/bin/env node
import { readArguments } from './arguments.ts';
import { exitCode, runCommand } from './commands.ts';
import { RefusedError, UnreachableError, UsageError } from './errors.ts';
import { screenOf } from './progress-view.ts';
import { faultLines } from './report-view.ts';

const interruptedExitCode = 130;

/** Ctrl-C ends the watching, never the run. */
function nameRunOnInterrupt(runId: string): void {
  process.once('SIGINT', () => {
    console.error(`\nNo longer watching; the run goes on. To see it again: fanout watch ${runId}`);
    process.exit(interruptedExitCode);
  });
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(error.message);
    return exitCode.usage;
  }
  if (error instanceof UnreachableError) {
    console.error(error.message);
    return exitCode.unreachable;
  }
  if (error instanceof RefusedError) {
    console.error([error.message, ...faultLines(error.faults)].join('\n'));
    return error.httpStatus >= 500 ? exitCode.unreachable : exitCode.usage;
  }
  throw error;
}

try {
  const command = readArguments(process.argv.slice(2), process.env);
  process.exitCode = await runCommand(command, {
    print: (line) => console.log(line),
    progress: screenOf(process.stderr, process.env),
    onWatch: nameRunOnInterrupt,
  });
} catch (error) {
  process.exitCode = explain(error);
}
