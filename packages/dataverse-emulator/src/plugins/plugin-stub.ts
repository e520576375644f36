import { isJsonObject, type JsonObject } from '../basics/json.ts';

/** Messages a stub can be registered on. `Upsert` is raised by elastic tables only; on others an upsert is one of the first two. */
export const pluginMessages = ['Create', 'Update', 'Delete', 'Upsert'] as const;
export type PluginMessage = (typeof pluginMessages)[number];

/** Stands for custom logic on a table. Single operations and bulk messages run it alike, once for each row. */
export interface PluginStub {
  /** Logical name. */
  readonly table: string;
  readonly message: PluginMessage;
  /** An asynchronous one runs after the commit, and only into the log. */
  readonly mode: 'sync' | 'async';
  /** `refuse` and `crash` end the request with `0x80040265` and `0x80040224`. */
  readonly action: 'pass' | 'refuse' | 'crash';
  /** Added to the duration of the request for each row. */
  readonly delayMs: number;
  /** Only rows whose body has these values; empty: all rows. */
  readonly where: JsonObject;
  /** What `refuse` answers. */
  readonly text: string;
  /** Id by which a request can leave this step out. */
  readonly stepId: string | null;
}

const defaults: Omit<PluginStub, 'table' | 'message'> = {
  mode: 'sync',
  action: 'pass',
  delayMs: 0,
  where: {},
  text: 'The plug-in refused the row.',
  stepId: null,
};

const choices: Readonly<Record<string, readonly string[]>> = {
  message: pluginMessages,
  mode: ['sync', 'async'],
  action: ['pass', 'refuse', 'crash'],
};

/** Reads a stub from JSON; members left out take their defaults. What is wrong is added to `faults`. */
export function parsePluginStub(json: unknown, pointer: string, faults: string[]): unknown {
  if (!isJsonObject(json)) {
    faults.push(`${pointer} must be an object`);
    return json;
  }
  const stub: JsonObject = { ...defaults, ...json };
  for (const [name, value] of Object.entries(stub)) {
    const fault = memberFault(name, value);
    if (fault !== undefined) faults.push(`${pointer}/${name} ${fault}`);
  }
  for (const name of ['table', 'message']) if (stub[name] === undefined) faults.push(`${pointer}/${name} is missing`);
  return stub;
}

function memberFault(name: string, value: unknown): string | undefined {
  const allowed = choices[name];
  if (allowed !== undefined) {
    return allowed.some((choice) => choice === value) ? undefined : `must be one of ${allowed.join(', ')}`;
  }
  switch (name) {
    case 'table':
    case 'text':
      return typeof value === 'string' ? undefined : 'must be text';
    case 'stepId':
      return value === null || typeof value === 'string' ? undefined : 'must be text or null';
    case 'delayMs':
      return typeof value === 'number' && value >= 0 ? undefined : 'must be a number of at least 0';
    case 'where':
      return isJsonObject(value) ? undefined : 'must be an object';
    default:
      return 'is not known';
  }
}
