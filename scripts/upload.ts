import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { RestError } from '@azure/storage-blob';
import { exitCode } from '../cli/commands.ts';
import { fileFault, optionFault, UsageError } from '../cli/errors.ts';
import { faultLines } from '../cli/report-view.ts';
import { faultsOf, parseRunSpec, sourceSchema } from '../src/plan/spec.ts';
import { loopbackWithoutProxy } from './local-environment.ts';
import { localDir, readStackFile } from './stack-file.ts';
import { uploadSource } from './upload-source.ts';

/** Of the app unless its settings say otherwise. */
const syncsContainer = 'fanout-syncs';

const help = `npm run upload -- FILE [BLOB] [options]: puts a file where a run spec can name it

  --container NAME            default sources
  --connection-string TEXT    storage; default: of the npm start that runs, else AZURE_STORAGE_CONNECTION_STRING, else
                              Azurite on its usual ports (UseDevelopmentStorage=true)

BLOB is the file's name unless given. In Azure, use az storage blob upload --auth-mode login instead.`;

interface Request {
  readonly file: string;
  readonly blob: string;
  readonly container: string;
  readonly connectionString?: string;
}

/** Undefined asks for help. Throws `UsageError`. */
function readRequest(args: readonly string[]): Request | undefined {
  const { values, positionals } = parse({
    args: [...args],
    allowPositionals: true,
    options: {
      container: { type: 'string', default: 'sources' },
      'connection-string': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [file, blob, more] = positionals;
  if (file === undefined) throw new UsageError(`FILE is missing.\n\n${help}`);
  if (more !== undefined) throw new UsageError(`FILE and BLOB are enough, found also "${more}".`);
  const connectionString = values['connection-string'];
  const place = { container: values.container, blob: blob ?? basename(file) };
  assertNameable(place);
  return {
    file,
    ...place,
    ...(connectionString === undefined ? {} : { connectionString }),
  };
}

/** A file that no run spec can name is of no use there. */
function assertNameable(place: Pick<Request, 'container' | 'blob'>): void {
  const { error } = sourceSchema.safeParse(place, { reportInput: true });
  if (error === undefined) return;
  const faults = error.issues.flatMap(faultsOf).map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`);
  throw new UsageError(`No run spec can name that place. ${faults.join(' ')}`);
}

/** Without a word, the app would pass over a sync that has another name, and start no run for one whose spec has faults. */
async function assertSync({ file, blob, container }: Request): Promise<void> {
  if (container !== syncsContainer) return;
  if (!blob.endsWith('.json')) throw new UsageError(`A sync is called NAME.json, not "${blob}".`);
  const parsed = parseRunSpec(parseJson(await readFile(file, 'utf8')));
  if ('faults' in parsed)
    throw new UsageError([`A sync is a run spec; ${file} is none:`, ...faultLines(parsed.faults)].join('\n'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return text;
  }
}

async function assertReadable(file: string): Promise<void> {
  try {
    await finished(createReadStream(file, { end: 0 }).resume());
  } catch (error) {
    throw new UsageError(fileFault(file, error));
  }
}

function parse<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(optionFault(error));
  }
}

async function storageOf(request: Request): Promise<{ readonly connectionString: string; readonly from: string }> {
  if (request.connectionString !== undefined)
    return { connectionString: request.connectionString, from: '--connection-string' };
  const stack = await readStackFile(localDir);
  if (stack !== undefined) return { connectionString: stack.storageConnectionString, from: 'npm start' };
  const variable = process.env['AZURE_STORAGE_CONNECTION_STRING'] ?? '';
  if (variable !== '') return { connectionString: variable, from: 'AZURE_STORAGE_CONNECTION_STRING' };
  return { connectionString: 'UseDevelopmentStorage=true', from: 'Azurite on its usual ports' };
}

async function upload(request: Request): Promise<void> {
  const { file, blob, container } = request;
  await assertReadable(file);
  await assertSync(request);
  const { connectionString, from } = await storageOf(request);
  try {
    const isNew = await uploadSource({ connectionString, container, blob, file });
    const place = `${container}/${blob} in the storage of ${from}`;
    console.log(isNew ? `Uploaded ${file} to ${place}.` : `${place} holds ${file} already.`);
    if (container === syncsContainer)
      console.log('It is a sync: the app starts a run whenever its source has changed.');
    else console.log(`In a run spec: "source": ${JSON.stringify({ container, blob, format: formatOf(blob) })}`);
  } catch (error) {
    if (!(error instanceof RestError) || error.code !== 'REQUEST_SEND_ERROR') throw error;
    throw new Error(`The storage of ${from} does not answer. Does npm start (or Azurite) run?`, { cause: error });
  }
}

const formatOf = (blob: string) => (/\.(jsonl|ndjson)$/i.test(blob) ? 'jsonl' : 'csv');

Object.assign(process.env, loopbackWithoutProxy(process.env));
try {
  const request = readRequest(process.argv.slice(2));
  if (request === undefined) console.log(help);
  else await upload(request);
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = isUsage ? exitCode.usage : exitCode.endedOtherwise;
}
