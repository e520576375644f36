import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const readManifest = (path: string) =>
  JSON.parse(read(path)) as {
    readonly engines: { readonly node: string };
    readonly devDependencies: Readonly<Record<string, string>>;
  };

const { engines, devDependencies } = readManifest('package.json');
const [, oldest = ''] = /^>=(\d+\.\d+)\.\d+$/.exec(engines.node) ?? [];

it('the oldest Node is the same wherever it is named', () => {
  for (const name of ['dataverse-emulator', 'functions-host'])
    expect(readManifest(`packages/${name}/package.json`).engines).toEqual(engines);
  expect(read('scripts/ensure-installed.js')).toContain(`const oldestNode = [${oldest.replace('.', ', ')}];`);
  for (const page of ['README.md', 'docs/operations.md']) expect(read(page)).toContain(`${oldest} or later`);
});

it('what is newer than the oldest Node does not compile', () => {
  expect(devDependencies['@types/node']).toMatch(new RegExp(`^${oldest.replace('.', '\\.')}\\.\\d+$`));
});
