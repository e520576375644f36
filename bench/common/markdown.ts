import { readFile, writeFile } from 'node:fs/promises';

/** A Markdown table; the first row is its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

/** Puts text between `<!-- NAME: begin -->` and `<!-- NAME: end -->` of a document. */
export async function putBetweenMarks(file: string, name: string, text: string): Promise<void> {
  const { before, after } = await findMarks(file, name);
  await writeFile(file, `${before}\n\n${text}\n\n${after}`);
}

/** What stands around the place of a text, marks included. Throws where there is none. */
export async function findMarks(
  file: string,
  name: string,
): Promise<{ readonly before: string; readonly after: string }> {
  const document = await readFile(file, 'utf8');
  const [open, close] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [document.indexOf(open), document.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`the document lacks the marks ${open} and ${close}.`);
  return { before: document.slice(0, from + open.length), after: document.slice(to) };
}
