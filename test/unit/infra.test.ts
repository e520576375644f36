import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Parameter {
  readonly name: string;
  readonly isRequired: boolean;
  readonly decorators: string;
}

/** The parameters a Bicep file declares. */
function parametersOf(bicep: string): readonly Parameter[] {
  return [...bicep.matchAll(/((?:^@.*\n(?:^[ })].*\n)*)*)^param (\w+) [^=\n]+?( = .+)?$/gm)].map(
    ([, decorators = '', name = '', value]) => ({ name, isRequired: value === undefined, decorators }),
  );
}

const main = read('infra/main.bicep');
const { parameters: given } = JSON.parse(read('infra/main.parameters.json')) as {
  readonly parameters: Readonly<Record<string, { readonly value: string }>>;
};
const variables = new Map(
  Object.entries(given).map(([parameter, { value }]) => [parameter, /^\$\{(\w+)/.exec(value)?.[1] ?? '']),
);

describe('the infrastructure', () => {
  it('is given every parameter, and no other', () => {
    expect(Object.keys(given).toSorted()).toEqual(
      parametersOf(main)
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  it('says what each parameter means', () => {
    const silent = parametersOf(main).filter(({ decorators }) => !decorators.includes("@description('"));
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it('hands each module the parameters it declares', () => {
    const modules = [...main.matchAll(/^module \w+ '(.+)' = \{\n(?:.*\n)*? {2}params: \{\n((?: {4}.*\n)+)/gm)];
    expect(modules).toHaveLength(main.match(/^module /gm)?.length ?? 0);
    for (const [, path = '', params = ''] of modules) {
      const handed = [...params.matchAll(/^ {4}(\w+):/gm)].map(([, name = '']) => name);
      const declared = parametersOf(read(`infra/${path}`));
      const names = declared.map(({ name }) => name);
      expect(
        handed.filter((name) => !names.includes(name)),
        path,
      ).toEqual([]);
      const missing = declared.filter(({ name, isRequired }) => isRequired && !handed.includes(name));
      expect(
        missing.map(({ name }) => name),
        path,
      ).toEqual([]);
    }
  });

  /** azd falls back to the shell (Environment.LookupEnv in github.com/Azure/azure-dev), where the images of Node.js set NODE_VERSION. */
  it('takes no variable that another tool may have set', () => {
    expect([...variables.values()].filter((name) => !/^(AZURE|DATAVERSE|FANOUT)_/.test(name))).toEqual([]);
  });

  /** learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations */
  it('sets nothing that Flex Consumption takes from elsewhere or refuses', () => {
    const refused =
      /FUNCTIONS_(EXTENSION_VERSION|WORKER_\w+)|WEBSITE_\w+|\bTZ\b|ENABLE_ORYX_BUILD|SCM_DO_BUILD\w+|linuxFxVersion|alwaysOn/i;
    expect(read('infra/modules/function-app.bicep')).not.toMatch(refused);
  });

  it('allows the values that operators are told of', () => {
    const operations = read('docs/operations.md');
    const bounded = parametersOf(main).filter(({ decorators }) => decorators.includes('@minValue'));
    expect(bounded.length).toBeGreaterThan(4);
    for (const { name, decorators } of bounded) {
      const [least, most] = ['min', 'max'].map((which) =>
        Number(new RegExp(`@${which}Value\\((\\d+)\\)`).exec(decorators)?.[1]).toLocaleString('en-US'),
      );
      const row = new RegExp(`^\\| \`${variables.get(name) ?? ''}\` .*$`, 'm').exec(operations)?.[0];
      expect(row).toMatch(new RegExp(`\\b${least ?? ''} to ${most ?? ''} `));
    }
  });
});
