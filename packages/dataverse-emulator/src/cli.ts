import { readFileSync } from 'node:fs';
import { ArgumentsError, helpText, parseArguments, type Arguments } from './arguments.ts';
import { scaledClock, virtualClock } from './basics/clock.ts';
import { startEmulator } from './emulator.ts';
import { SchemaError } from './schema/parse-schema.ts';

/** Wrong command line or schema: what is wrong goes to stderr, without a stack. */
const usageExitCode = 2;

function readSchema(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SchemaError([`${path}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

async function run(argv: readonly string[]): Promise<void> {
  const options = parseArguments(argv);
  if (options.help) {
    process.stdout.write(helpText);
    return;
  }
  const emulator = await startEmulator(emulatorOptions(options));
  const stop = (): void => {
    emulator.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  console.log(`dataverse-emulator ready at ${emulator.url}`);
}

function emulatorOptions({ port, profile, schemaFiles, dataDir, seed, identityHeader, clock }: Arguments) {
  return {
    port,
    profile,
    schema: schemaFiles.map(readSchema),
    ...(dataDir !== undefined && { dataDir }),
    ...(seed !== undefined && { seed }),
    ...(identityHeader !== undefined && { identityHeader }),
    ...(clock === 'virtual' && { clock: virtualClock(Date.now()) }),
    ...(typeof clock === 'number' && { clock: scaledClock(clock) }),
  };
}

/** What `listen` says about a port that is taken names no way out. */
function plainMessage(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error)
    return `port ${String(error.port)} is taken; --port 0 takes any free one`;
  return error instanceof Error ? error.message : String(error);
}

function fail(error: unknown): void {
  const isUsage = error instanceof ArgumentsError || error instanceof SchemaError;
  console.error(`dataverse-emulator: ${plainMessage(error)}${error instanceof ArgumentsError ? ' (see --help)' : ''}`);
  process.exit(isUsage ? usageExitCode : 1);
}

run(process.argv.slice(2)).catch(fail);
