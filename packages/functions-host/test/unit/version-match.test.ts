import { expect, test } from 'vitest';
import { versionFault } from '../../src/durable/version-match.ts';
import { parseHostJson } from '../../src/settings/host-json.ts';

const takes = (version: string, durableTask: object): boolean => {
  const { durable } = parseHostJson({ version: '2.0', extensions: { durableTask } });
  return versionFault(version, durable) === undefined;
};

test.each([
  ['9.0', {}, true],
  ['2.0', { defaultVersion: '2.0' }, true],
  ['1.10', { defaultVersion: '1.9' }, false],
  ['1.9', { defaultVersion: '1.10' }, true],
  ['', { defaultVersion: '1.0' }, true],
  ['1.0.1', { defaultVersion: '1.0' }, false],
  ['Beta', { defaultVersion: 'alpha' }, false],
  ['ALPHA', { defaultVersion: 'alpha', versionMatchStrategy: 'Strict' }, true],
  ['1.0', { defaultVersion: '2.0', versionMatchStrategy: 'Strict' }, false],
  ['3.0', { defaultVersion: '2.0', versionMatchStrategy: 'None' }, true],
])('an instance of version "%s" under %j: %s', (version, settings, taken) => {
  expect(takes(version, settings)).toBe(taken);
});
