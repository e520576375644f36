import { parseCliArguments, usage } from './cli-arguments.ts';
import { errorStack, StartError } from './errors.ts';
import { startHost } from './host.ts';
import type { Host } from './host.ts';

let isLeaving = false;

function leave(code: number): never {
  isLeaving = true;
  process.exit(code);
}

/** An app can end its process, and would do so without a word. */
function explainExits(): void {
  process.on('exit', (code) => {
    if (isLeaving) return;
    const reason = 'by process.exit, or by an error that nothing caught';
    console.error(
      `functions-host: the app ended the process (exit code ${code}): ${reason}. Durable work goes on at the next start.`,
    );
    if (code === 0) process.exitCode = 1;
  });
}

/** Exits on the first signal after closing in order, on the second at once. */
function closeOnSignals(host: Host): void {
  let closing = false;
  const stop = (signal: NodeJS.Signals) => {
    if (closing) leave(signal === 'SIGINT' ? 130 : 143);
    closing = true;
    host.close().then(
      () => leave(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

function fail(error: unknown): never {
  console.error(error instanceof StartError ? `functions-host: ${error.message}` : errorStack(error));
  leave(1);
}

async function main(): Promise<void> {
  const { help, ...options } = parseCliArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(usage);
    return;
  }
  explainExits();
  // What an app prints must not get between a caller and the one line it waits for.
  const announce = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const host = await startHost({ ...options, watchdog: true, onFatal: fail });
  closeOnSignals(host);
  announce(`functions-host ready at ${host.url}\n`);
}

main().catch(fail);
