import type { Log } from '../log.ts';
import type { AppRegistrations, Binding, RegisteredFunction } from './core-module.ts';
import { functionFault, isTrigger } from './function-faults.ts';

export type TriggerKind = 'http' | 'timer' | 'orchestration' | 'activity' | 'entity';

/** A function of the app that this host can run. */
export interface HostFunction {
  readonly name: string;
  readonly kind: TriggerKind;
  readonly triggerName: string;
  readonly trigger: Binding;
  /** Names of the inputs that want a durable client. */
  readonly clientInputs: readonly string[];
  readonly registered: RegisteredFunction;
}

const kinds: Readonly<Record<string, TriggerKind>> = {
  httptrigger: 'http',
  timertrigger: 'timer',
  orchestrationtrigger: 'orchestration',
  activitytrigger: 'activity',
  entitytrigger: 'entity',
};

/** The app's functions by kind and, case-insensitively, by name. */
export class FunctionCatalog {
  readonly all: readonly HostFunction[];
  readonly #byKey: Map<string, HostFunction>;

  constructor(functions: readonly HostFunction[]) {
    this.all = functions;
    this.#byKey = new Map(functions.map((one) => [key(one.kind, one.name), one]));
  }

  find(kind: TriggerKind, name: string): HostFunction | undefined {
    return this.#byKey.get(key(kind, name));
  }

  names(kind: TriggerKind): readonly string[] {
    return this.ofKind(kind).map((one) => one.name);
  }

  ofKind(kind: TriggerKind): readonly HostFunction[] {
    return this.all.filter((one) => one.kind === kind);
  }
}

function key(kind: TriggerKind, name: string): string {
  return `${kind} ${name.toLowerCase()}`;
}

/**
 * Sorts an app's registrations. What Azure would refuse, and what the host cannot run (other triggers, disabled functions), is left out
 * with a word in the log.
 */
export function catalogFunctions(
  registrations: AppRegistrations,
  environment: NodeJS.ProcessEnv,
  log: Log,
): FunctionCatalog {
  const runnable: HostFunction[] = [];
  const taken = new Set<string>();
  for (const registered of registrations.functions.values()) {
    const { name, bindings } = registered.metadata;
    const isTaken = taken.size === taken.add(name.toLowerCase()).size;
    const fault = isTaken
      ? 'another function has its name, but for upper and lower case.'
      : functionFault(registered.metadata);
    const found = Object.entries(bindings).find(([, binding]) => isTrigger(binding));
    const kind = found && kinds[found[1].type.toLowerCase()];
    if (fault !== undefined || !found) {
      log(
        'error',
        'Host.Startup',
        `Function "${name}" is in error, as it would be in Azure: ${fault ?? 'it has no trigger.'}`,
      );
      continue;
    }
    if (!kind) {
      log('error', 'Host.Startup', `Function "${name}" will never run: this host has no ${found[1].type}.`);
      continue;
    }
    if (isDisabled(name, environment)) {
      log(
        'information',
        'Host.Startup',
        `Function "${name}" is disabled by the setting AzureWebJobs.${name}.Disabled.`,
      );
      continue;
    }
    warnOfOtherBindings(name, Object.values(bindings), log);
    const clientInputs = Object.entries(bindings).filter(([, binding]) => isDurableClient(binding));
    runnable.push({
      name,
      kind,
      triggerName: found[0],
      trigger: found[1],
      clientInputs: clientInputs.map(([input]) => input),
      registered,
    });
  }
  return new FunctionCatalog(runnable);
}

function isDurableClient(binding: Binding): boolean {
  return ['durableclient', 'orchestrationclient'].includes(binding.type.toLowerCase());
}

function warnOfOtherBindings(name: string, bindings: readonly Binding[], log: Log): void {
  const unknown = bindings.filter(
    (one) => !isTrigger(one) && !isDurableClient(one) && one.type.toLowerCase() !== 'http',
  );
  for (const binding of unknown) {
    const effect = binding.direction === 'out' ? 'what is written to it is dropped' : 'it stays empty';
    log(
      'warning',
      'Host.Startup',
      `Function "${name}" has a ${binding.type} binding, which this host does not provide: ${effect}.`,
    );
  }
}

function isDisabled(name: string, environment: NodeJS.ProcessEnv): boolean {
  const value = environment[`AzureWebJobs.${name}.Disabled`] ?? environment[`AzureWebJobs_${name}_Disabled`];
  return value !== undefined && /^(?:true|1)$/iu.test(value);
}
