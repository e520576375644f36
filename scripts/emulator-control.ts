import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/** Number of rows a table of the emulator holds, by its control API. */
export async function countTableRows(emulatorUrl: string, table: string): Promise<number> {
  const response = await getControl(emulatorUrl, `tables/${table}/count`);
  const { count } = (await response.json()) as { count: number };
  return count;
}

/** Every row of a table of the emulator, as it is stored. */
export async function* readTableRows(
  emulatorUrl: string,
  table: string,
): AsyncGenerator<Readonly<Record<string, unknown>>, void, void> {
  const { body } = await getControl(emulatorUrl, `tables/${table}/rows`);
  if (body === null) return;
  for await (const line of createInterface({ input: Readable.fromWeb(body) })) {
    if (line !== '') yield JSON.parse(line) as Record<string, unknown>;
  }
}

async function getControl(emulatorUrl: string, path: string): Promise<Response> {
  const response = await fetch(`${emulatorUrl}/_emulator/${path}`);
  if (!response.ok) throw new Error(`The emulator answered ${response.status} to /_emulator/${path}`);
  return response;
}
