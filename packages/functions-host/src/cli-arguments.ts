import { parseArgs } from 'node:util';
import { errorMessage, StartError } from './errors.ts';

export interface CliArguments {
  readonly help: boolean;
  readonly appDir: string;
  readonly port: number | undefined;
  readonly dataDir: string | undefined;
  readonly requireKeys: boolean;
}

export const usage = `Usage: functions-host [APPDIR] [--port N] [--data DIR] [--keys on|off]

Runs a Node.js (v4 model) Azure Functions app with Durable Functions in one process.

  APPDIR          directory with host.json and package.json (default: the current one)
  --port N        port on 127.0.0.1, 0 = any (default: Host.LocalHttpPort of local.settings.json, else 7071)
  --data DIR      durable state and keys (default: APPDIR/.local/functions-host)
  --keys on|off   whether callers need the keys of functions (default: off)
  --help          this text
`;

const maxPort = 65_535;

/** Reads the command line. Throws StartError that names the faulty argument. */
export function parseCliArguments(args: readonly string[]): CliArguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1)
    throw new StartError(`Only one APPDIR is allowed, but there is also "${positionals[1] ?? ''}".`);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (values.port === '' || (port !== undefined && (!Number.isInteger(port) || port < 0 || port > maxPort))) {
    throw new StartError(`--port must be a number from 0 to ${maxPort}, not "${values.port ?? ''}".`);
  }
  if (values.keys !== undefined && values.keys !== 'on' && values.keys !== 'off') {
    throw new StartError(`--keys must be on or off, not "${values.keys}".`);
  }
  return {
    help: values.help === true,
    appDir: positionals[0] ?? '.',
    port,
    dataDir: values.data,
    requireKeys: values.keys === 'on',
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        keys: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new StartError(`${errorMessage(error)}\n\n${usage}`);
  }
}
