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
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    // By line feeds alone: a text may hold U+2028, which `readline` takes for a line end.
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as Record<string, unknown>;
  }
  if (rest !== '') yield JSON.parse(rest) as Record<string, unknown>;
}

async function getControl(emulatorUrl: string, path: string): Promise<Response> {
  const response = await fetch(`${emulatorUrl}/_emulator/${path}`);
  if (!response.ok) throw new Error(`The emulator answered ${response.status} to /_emulator/${path}`);
  return response;
}
