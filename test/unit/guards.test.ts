import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { guards } from '../chaos/guards/guards.ts';

it.each(guards.map((guard) => [guard.guard, guard] as const))(
  'the guard that is taken away in turn is still there: %s',
  (_, { file, find }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(source.split(find)).toHaveLength(2);
  },
);
