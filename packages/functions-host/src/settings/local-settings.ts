import { join } from 'node:path';
import { isObject } from '../json.ts';
import { readJsonFile } from './host-json.ts';

/** What the host takes from local.settings.json (learn.microsoft.com/azure/azure-functions/functions-develop-local). */
export interface LocalSettings {
  readonly values: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  /** Origins that browsers may call from; `*` allows all. */
  readonly corsOrigins: readonly string[];
}

/** Reads local.settings.json of an app; a missing file means no settings. */
export function readLocalSettings(appDir: string): LocalSettings {
  const root = readJsonFile(join(appDir, 'local.settings.json')) ?? {};
  const values = isObject(root['Values']) ? root['Values'] : {};
  const host = isObject(root['Host']) ? root['Host'] : {};
  const port = host['LocalHttpPort'];
  const cors = host['CORS'];
  return {
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
    port: typeof port === 'number' ? port : undefined,
    corsOrigins: typeof cors === 'string' ? cors.split(',').map((origin) => origin.trim().replace(/\/$/u, '')) : [],
  };
}

/** Puts settings into `environment`, never over a variable that exists. Returns a function that takes them out again. */
export function applySettings(environment: NodeJS.ProcessEnv, settings: Readonly<Record<string, string>>): () => void {
  const added = Object.keys(settings).filter((name) => environment[name] === undefined);
  for (const name of added) environment[name] = settings[name];
  return () => {
    for (const name of added) Reflect.deleteProperty(environment, name);
  };
}
