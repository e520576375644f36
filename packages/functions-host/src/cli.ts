import { parseCliArguments, usage } from './cli-arguments.ts';
import { errorStack, StartError } from './errors.ts';
import { startHost } from './host.ts';
import type { Host } from './host.ts';

/** Exits on the first signal after closing in order, on the second at once. */
function closeOnSignals(host: Host): void {
  let closing = false;
  const stop = (signal: NodeJS.Signals) => {
    if (closing) process.exit(signal === 'SIGINT' ? 130 : 143);
    closing = true;
    host.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

function fail(error: unknown): never {
  console.error(error instanceof StartError ? `functions-host: ${error.message}` : errorStack(error));
  process.exit(1);
}

async function main(): Promise<void> {
  const { help, ...options } = parseCliArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(usage);
    return;
  }
  // What an app prints must not get between a caller and the one line it waits for.
  const announce = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const host = await startHost({ ...options, onFatal: fail });
  closeOnSignals(host);
  announce(`functions-host ready at ${host.url}\n`);
}

main().catch(fail);
