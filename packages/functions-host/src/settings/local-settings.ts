import { join } from 'node:path';
import { StartError } from '../errors.ts';
import type { Cors } from '../http/cors.ts';
import type { JsonObject } from '../json.ts';
import { bool, objectAt, readJsonFile, text } from './json-file.ts';

/** What the host takes from local.settings.json (learn.microsoft.com/azure/azure-functions/functions-develop-local). */
export interface LocalSettings {
  readonly values: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  readonly cors: Cors;
}

/** Reads local.settings.json of an app; a missing file means no settings. Throws StartError. */
export function readLocalSettings(appDir: string): LocalSettings {
  const path = join(appDir, 'local.settings.json');
  return parseLocalSettings(readJsonFile(path) ?? {}, path);
}

export function parseLocalSettings(root: JsonObject, path = 'local.settings.json'): LocalSettings {
  if (root['IsEncrypted'] === true) {
    throw new StartError(`${path} is encrypted, which only the Core Tools can read: run "func settings decrypt".`);
  }
  const host = objectAt(root, 'Host', path);
  const cors = text(host, 'CORS', '', path);
  return {
    values: Object.fromEntries(Object.entries(objectAt(root, 'Values', path)).map((entry) => value(entry, path))),
    port: portOf(host['LocalHttpPort'], path),
    cors: {
      origins: cors === '' ? [] : cors.split(',').map((origin) => origin.trim().replace(/\/$/u, '')),
      credentials: bool(host, 'CORSCredentials', path),
    },
  };
}

function value([name, given]: [string, unknown], path: string): [string, string] {
  if (['string', 'number', 'boolean'].includes(typeof given)) return [name, String(given)];
  throw new StartError(`${path}: the setting "${name}" must be text, not ${JSON.stringify(given)}.`);
}

const maxPort = 65_535;

function portOf(given: unknown, path: string): number | undefined {
  if (given === undefined) return undefined;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 0 && port <= maxPort) return port;
  throw new StartError(`${path}: "LocalHttpPort" must be a number from 0 to ${maxPort}, not ${JSON.stringify(given)}.`);
}

/** Puts settings into `environment`, never over a variable that exists. Returns a function that takes them out again. */
export function applySettings(environment: NodeJS.ProcessEnv, settings: Readonly<Record<string, string>>): () => void {
  const added = Object.keys(settings).filter((name) => environment[name] === undefined);
  for (const name of added) environment[name] = settings[name];
  return () => {
    for (const name of added) Reflect.deleteProperty(environment, name);
  };
}
