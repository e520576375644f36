import { describe, expect, test } from 'vitest';
import { createRegistrations } from '../../src/worker/core-module.ts';
import type { Binding, FunctionMetadata } from '../../src/worker/core-module.ts';
import { functionFault } from '../../src/worker/function-faults.ts';
import { catalogFunctions } from '../../src/worker/functions.ts';

const http: Binding = { type: 'httpTrigger', direction: 'in', route: 'things' };
const answer: Binding = { type: 'http', direction: 'out' };
const fine: FunctionMetadata = { name: 'getThings', bindings: { httpTrigger1: http, $return: answer } };

describe('what the Functions host refuses', () => {
  test.each<[string, Partial<FunctionMetadata>, RegExp]>([
    ['a name with a space', { name: 'get things' }, /name must begin with a letter/u],
    ['a name that begins with a digit', { name: '1st' }, /name must begin with a letter/u],
    ['the name host', { name: 'Host' }, /not be "host"/u],
    ['no trigger', { bindings: { $return: answer } }, /no trigger/u],
    ['two triggers', { bindings: { a: http, b: http } }, /2 triggers/u],
    ['a binding name with a dash', { bindings: { 'my-trigger': http } }, /"my-trigger" must begin with a letter/u],
    ['binding names that differ by case', { bindings: { one: http, One: answer } }, /several bindings .* "One"/u],
    ['a binding without type', { bindings: { a: http, b: { ...answer, type: '' } } }, /"b" has no type/u],
    ['an inward $return', { bindings: { a: http, $return: { ...answer, direction: 'in' } } }, /direction "out"/u],
    ['a route under admin', { bindings: { a: { ...http, route: '/administration/x' } } }, /begins with "admin"/u],
  ])('%s', (_, change, says) => {
    expect(functionFault({ ...fine, ...change })).toMatch(says);
  });

  test('a sound function is none of it', () => {
    expect(functionFault(fine)).toBeUndefined();
    expect(functionFault({ ...fine, name: 'a_b-C1' })).toBeUndefined();
  });

  test('the second of two names that differ by case is in error; the first one runs', () => {
    const lines: string[] = [];
    const registrations = createRegistrations((_, __, message) => lines.push(message));
    for (const name of ['list', 'List']) {
      registrations.functions.set(name, { id: name, metadata: { ...fine, name }, callback: () => undefined });
    }
    const catalog = catalogFunctions(registrations, {}, registrations.log);
    expect(catalog.names('http')).toEqual(['list']);
    expect(lines).toEqual([expect.stringMatching(/"List" is in error, as it would be in Azure: another function/u)]);
  });
});
