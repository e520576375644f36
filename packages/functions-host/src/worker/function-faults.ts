import type { Binding, FunctionMetadata } from './core-module.ts';

/**
 * What the Functions host refuses in a function, in the order in which it looks (github.com/Azure/azure-functions-host, Utility.cs,
 * FunctionDescriptorProvider.cs, ScriptHost.cs). A refused function is "in error": it is listed but never runs.
 */
export function functionFault(metadata: FunctionMetadata): string | undefined {
  const { name, bindings } = metadata;
  const all = Object.entries(bindings);
  const nameFault = faultOfName(name);
  if (nameFault !== undefined) return nameFault;
  for (const [bindingName, binding] of all) {
    const fault = faultOfBinding(bindingName, binding);
    if (fault !== undefined) return fault;
  }
  const twice = firstTwice(all.map(([bindingName]) => bindingName));
  if (twice !== undefined)
    return `several bindings have the name "${twice}"; names must differ by more than upper and lower case.`;
  const triggers = all.filter(([, binding]) => isTrigger(binding));
  if (triggers.length === 0) return 'it has no trigger.';
  if (triggers.length > 1) return `it has ${triggers.length} triggers and may have one.`;
  return faultOfRoute(name, triggers[0]?.[1]);
}

/** True for bindings that start a function. */
export function isTrigger(binding: Binding): boolean {
  return /trigger$/iu.test(binding.type);
}

/** A value that occurs twice in a list, upper and lower case being the same. */
export function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name.toLowerCase()).size);
}

function faultOfName(name: string): string | undefined {
  if (/^[a-z][a-z0-9_-]{0,127}$/iu.test(name) && name.toLowerCase() !== 'host') return undefined;
  return 'its name must begin with a letter, hold only letters, digits, _ and -, have at most 128 characters, and not be "host".';
}

function faultOfBinding(name: string, binding: Binding): string | undefined {
  if (!/^(?:[a-z][a-z0-9]{0,127}|\$return)$/iu.test(name)) {
    return `the binding name "${name}" must begin with a letter and hold only letters and digits, at most 128.`;
  }
  if (typeof binding.type !== 'string' || binding.type === '') return `the binding "${name}" has no type.`;
  if (name === '$return' && binding.direction !== 'out') return 'the binding "$return" must have the direction "out".';
  return undefined;
}

/** The host keeps everything that begins with "admin" for itself, whatever the route prefix. */
function faultOfRoute(name: string, trigger: Binding | undefined): string | undefined {
  if (trigger?.type.toLowerCase() !== 'httptrigger') return undefined;
  const route = typeof trigger['route'] === 'string' && trigger['route'] !== '' ? trigger['route'] : name;
  const isReserved = route.replace(/^\/+/u, '').toLowerCase().startsWith('admin');
  return isReserved
    ? `its route "${route}" begins with "admin", which the Functions host keeps for itself.`
    : undefined;
}
