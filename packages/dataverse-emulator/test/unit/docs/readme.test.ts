import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultKinds } from '../../../src/faults/fault-rules.ts';
import { profiles } from '../../../src/settings/profiles.ts';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const code = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const sectionOf = (title: string): string => readme.split(/^#+ /m).find((part) => part.startsWith(title)) ?? '';

describe('the README', () => {
  it('drives the limits without the server by code that runs', () => {
    const [example] = code.filter((text) => text.includes('new ServiceProtection'));
    const source = new URL('../../../src/index.ts', import.meta.url).pathname;
    const directory = mkdtempSync(join(tmpdir(), 'dataverse-emulator-'));
    const file = join(directory, 'example.mts');
    const shown = "\nconsole.log(JSON.stringify(protection.counters().get('me')));\n";
    writeFileSync(file, (example ?? '').replace("'dataverse-emulator'", JSON.stringify(source)) + shown);
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    rmSync(directory, { recursive: true });
    expect(JSON.parse(stdout || JSON.stringify(stderr))).toMatchObject({
      requests: 1,
      earlyRetries: 0,
      peakRunning: 1,
    });
  });

  it('names every profile and every kind of fault', () => {
    const named = (title: string): Set<string> =>
      new Set([...sectionOf(title).matchAll(/`([\w-]+)`/g)].map((match) => match[1] ?? ''));
    expect([...profiles.keys()].filter((name) => !named('Profiles').has(name))).toEqual([]);
    expect(faultKinds.filter((kind) => !named('Faults').has(kind))).toEqual([]);
  });

  it('names settings that exist', () => {
    const settings: unknown = profiles.get('documented');
    const rows = sectionOf('Settings worth knowing').matchAll(/^\| (`[^|]*) \|/gm);
    const names = [...rows].flatMap((row) =>
      [...(row[1] ?? '').matchAll(/`([\w.]+)`/g)].map((match) => match[1] ?? ''),
    );
    expect(names.length).toBeGreaterThan(15);
    const unknown = names.filter((name) => {
      let value = settings;
      for (const part of name.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
      return value === undefined;
    });
    expect(unknown).toEqual([]);
  });

  it('marks every known difference with its source', () => {
    const rows = sectionOf('Known differences')
      .split('\n')
      .filter((line) => /^\| (?!Here|---)/.test(line));
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((row) => !/\| [DOI] +\|$/.test(row))).toEqual([]);
  });
});
