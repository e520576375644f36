import { existsSync, globSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorStack, StartError } from '../errors.ts';
import type { Log } from '../log.ts';
import { readJsonFile } from '../settings/json-file.ts';
import { createRegistrations, installCoreModule } from './core-module.ts';
import type { AppRegistrations, ProgrammingModel } from './core-module.ts';

/** An app whose entry points ran and whose registrations are locked. */
export interface LoadedApp {
  readonly appDir: string;
  readonly registrations: AppRegistrations;
  readonly model: ProgrammingModel;
  readonly capabilities: Readonly<Record<string, string>>;
}

/** Modules load once in a process, so a second host of the same app shares the first one's registrations. */
const loadedApps = new Map<string, Promise<LoadedApp>>();

/** Throws StartError if a directory cannot be a function app, before anything is created in it. */
export function requireApp(appDir: string): void {
  if (!existsSync(appDir)) throw new StartError(`The app directory ${appDir} does not exist.`);
  if (!existsSync(join(appDir, 'package.json'))) {
    throw new StartError(`${appDir} is no Node function app: it has no package.json.`);
  }
}

/** Loads an app as the Node worker does: entry points of `main`, `appStart` hooks, capabilities, lock. Throws StartError. */
export async function loadApp(appDir: string, log: Log): Promise<LoadedApp> {
  const directory = realpathSync(appDir);
  let app = loadedApps.get(directory);
  if (!app) {
    app = load(directory, log);
    loadedApps.set(directory, app);
    app.catch(() => loadedApps.delete(directory));
  }
  const loaded = await app;
  loaded.registrations.log = log;
  return loaded;
}

async function load(appDir: string, log: Log): Promise<LoadedApp> {
  const core = installCoreModule();
  const registrations = createRegistrations(log);
  core.target = registrations;
  const manifest = readJsonFile(join(appDir, 'package.json')) ?? {};
  const entries = findEntries(appDir, manifest['main']);
  for (const entry of entries) await runEntry(entry, manifest['type'] === 'module', registrations);

  if (!core.model || registrations.functions.size === 0) throw nothingRegistered(appDir, entries);
  await runStartHooks(registrations, appDir);
  const capabilities = await core.model.getCapabilities({
    RawHttpBodyBytes: 'true',
    RpcHttpBodyOnly: 'true',
    TypedDataCollection: 'true',
  });
  registrations.locked = true;
  return { appDir, registrations, model: core.model, capabilities };
}

async function runStartHooks(
  { hooks, appHookData, appLevelHookData }: AppRegistrations,
  appDir: string,
): Promise<void> {
  try {
    for (const hook of hooks.appStart) {
      await hook({ hookData: appLevelHookData, appHookData, functionAppDirectory: appDir });
    }
  } catch (error) {
    throw new StartError(`An appStart hook of the app failed: ${errorStack(error)}`, { cause: error });
  }
}

function nothingRegistered(appDir: string, entries: readonly string[]): StartError {
  const files = entries.map((entry) => relative(appDir, entry)).join(', ');
  return new StartError(
    `The app registered no function: ${files} ran, but nothing in it called app.http, app.timer, df.app.orchestration or the like ` +
      'from the v4 programming model (@azure/functions 4). Does "main" in package.json name the files that register the functions?',
  );
}

/** The files that `main` names; it may be a glob and match several. */
export function findEntries(appDir: string, main: unknown): readonly string[] {
  if (typeof main !== 'string' || main === '') {
    throw new StartError(
      `${join(appDir, 'package.json')} needs "main": the file, or a glob of the files, that register the functions.`,
    );
  }
  const plain = join(appDir, main);
  if (existsSync(plain) && statSync(plain).isFile()) return [plain];
  const found = globSync(main.replace(/^\.\//u, ''), { cwd: appDir }).toSorted();
  const files = found.map((name) => join(appDir, name)).filter((path) => statSync(path).isFile());
  if (files.length === 0)
    throw new StartError(
      `"main" of ${join(appDir, 'package.json')} is "${main}", which matches no file. Is the app built?`,
    );
  return files;
}

/**
 * Where an app throws before it registers anything, the worker tells the host to look for function.json files instead of what went wrong
 * (github.com/Azure/azure-functions-nodejs-worker, FunctionsMetadataHandler.ts).
 */
const emptyHanded = ' before it registered a function, so that Azure would start it without any and answer 404';

async function runEntry(path: string, isModulePackage: boolean, { functions }: AppRegistrations): Promise<void> {
  const isModule = /\.m[jt]s$/u.test(path) || (isModulePackage && !/\.c[jt]s$/u.test(path));
  try {
    if (isModule) await import(pathToFileURL(path).href);
    else createRequire(path)(path);
  } catch (error) {
    const when = functions.size === 0 ? emptyHanded : '';
    throw new StartError(`The app failed to load ${path}${when}: ${errorStack(error)}`, { cause: error });
  }
}
