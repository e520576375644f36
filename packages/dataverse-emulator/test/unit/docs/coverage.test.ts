import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const packageUrl = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, packageUrl), 'utf8');

interface Proof {
  readonly behaviour: string;
  readonly file: string;
  readonly title: string;
}

/** The rows of the tables in `docs/coverage.md`, one for each test they name. */
function proofs(): readonly Proof[] {
  return read('docs/coverage.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| Behaviour'))
    .flatMap((line) => {
      const [, behaviour = '', , tests = ''] = line.split(/(?<!\\) \| |^\| | \|$/);
      return tests.split('<br>').map((test) => {
        const match = /^`([^`]+)`: (.+)$/.exec(test);
        return { behaviour, file: `test/${match?.[1] ?? ''}.test.ts`, title: match?.[2] ?? '' };
      });
    });
}

/** Titles as they stand in the source, where `it(` or `it.each(...)(` opens. */
function titlesOf(file: string): ReadonlySet<string> {
  const pattern = /(?:^\s*it|\))\(\s*'((?:[^'\\]|\\.)+)',/gm;
  return new Set([...read(file).matchAll(pattern)].map((match) => (match[1] ?? '').replaceAll("\\'", "'")));
}

describe('docs/coverage.md', () => {
  it('names a test for every behaviour', () => {
    expect(proofs().length).toBeGreaterThan(150);
    expect(proofs().filter(({ title }) => title === '')).toEqual([]);
  });

  it('names only tests that exist', () => {
    const missing = proofs().filter(
      ({ file, title }) => !existsSync(new URL(file, packageUrl)) || !titlesOf(file).has(title),
    );
    expect(missing).toEqual([]);
  });
});

describe('the files of the operations', () => {
  /** What all operations share. */
  const frame = ['bulk-targets', 'error-response', 'operation', 'route'];

  it('are mirrored by the files of their tests', () => {
    const names = (path: string, ending: string): string[] =>
      readdirSync(new URL(path, packageUrl))
        .map((name) => name.slice(0, -ending.length))
        .filter((name) => !frame.includes(name))
        .sort();
    expect(names('test/contract/operations', '.test.ts')).toEqual(names('src/operations', '.ts'));
  });
});
