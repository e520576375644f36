import { describe, expect, it } from 'vitest';
import { SettingsPatchError } from '../../../src/index.ts';
import { patchSettings } from '../../../src/settings/patch-settings.ts';
import { profiles } from '../../../src/settings/profiles.ts';

const patch = (plugins: unknown) => patchSettings(profiles.get('fast')!, { plugins });
const faultsOf = (plugins: unknown): readonly string[] => {
  try {
    patch(plugins);
  } catch (error) {
    if (error instanceof SettingsPatchError) return error.faults;
  }
  return [];
};

describe('a plug-in stub', () => {
  it('takes defaults for what is left out', () => {
    expect(patch([{ table: 'account', message: 'Create' }]).plugins).toEqual([
      {
        table: 'account',
        message: 'Create',
        mode: 'sync',
        action: 'pass',
        delayMs: 0,
        where: {},
        text: 'The plug-in refused the row.',
        stepId: null,
      },
    ]);
  });

  it.each([
    [{}, ['/plugins must be a list']],
    [[7], ['/plugins/0 must be an object']],
    [[{}], ['/plugins/0/table is missing', '/plugins/0/message is missing']],
    [[{ table: 'a', message: 'Merge' }], ['/plugins/0/message must be one of Create, Update, Delete, Upsert']],
    [[{ table: 'a', message: 'Create', delayMs: -1 }], ['/plugins/0/delayMs must be a number of at least 0']],
    [[{ table: 'a', message: 'Create', stage: 1 }], ['/plugins/0/stage is not known']],
  ])('is refused as %j', (plugins, faults) => {
    expect(faultsOf(plugins)).toEqual(faults);
  });
});
