import type { LocalStack, StackPorts } from './local-stack.ts';
import { portIfFree } from './ports.ts';

/** Where everything listens unless somebody else does; README and the samples name these. */
export const usualPorts: StackPorts = { host: 7071, emulator: 7080, blob: 10000, queue: 10001, table: 10002 };

const titles: Readonly<Record<keyof StackPorts, string>> = {
  host: 'the app',
  emulator: 'the emulator',
  blob: 'blob storage',
  queue: 'queue storage',
  table: 'table storage',
};

const names = Object.keys(usualPorts) as readonly (keyof StackPorts)[];

/** The usual ports, with 0 (any) for those that are taken. */
export async function choosePorts(): Promise<StackPorts> {
  const free = await Promise.all(names.map(async (name) => [name, await portIfFree(usualPorts[name])] as const));
  return { ...usualPorts, ...Object.fromEntries(free) };
}

/** A line for each part that listens elsewhere than usual. */
export function movedPorts(stack: Pick<LocalStack, 'url' | 'emulatorUrl' | 'storageConnectionString'>): string[] {
  const used: Readonly<Record<keyof StackPorts, number>> = {
    host: portOf(stack.url),
    emulator: portOf(stack.emulatorUrl),
    blob: portOf(endpoint(stack.storageConnectionString, 'Blob')),
    queue: portOf(endpoint(stack.storageConnectionString, 'Queue')),
    table: portOf(endpoint(stack.storageConnectionString, 'Table')),
  };
  return names
    .filter((name) => used[name] !== usualPorts[name])
    .map((name) => `Port ${usualPorts[name]} is taken by another program: ${titles[name]} uses ${used[name]} instead.`);
}

/** How to call the command line for an app at this address. */
export function fanoutCommand(url: string): string {
  const command = 'npm run -s fanout --';
  return portOf(url) === usualPorts.host ? command : `FANOUT_URL=${url} ${command}`;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function endpoint(connectionString: string, service: string): string {
  return new RegExp(`${service}Endpoint=([^;]+)`).exec(connectionString)?.[1] ?? '';
}
