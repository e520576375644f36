import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingDeclarations } from '../../src/settings.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Names as deployments write them, with the one connection that samples and infrastructure use. */
const declared = new Set(settingDeclarations.map(({ name }) => name.replace('{name}', 'main')));

/** Of the platform, not of this app. */
const platform = new Set([
  'FUNCTIONS_WORKER_RUNTIME',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__queueServiceUri',
  'AzureWebJobsStorage__tableServiceUri',
]);
const known = (name: string): boolean => declared.has(name) || platform.has(name);

describe('settings', () => {
  it('of the local sample are all declared', () => {
    const sample = JSON.parse(read('local.settings.sample.json')) as { readonly Values: Record<string, string> };
    expect(Object.keys(sample.Values).filter((name) => !known(name))).toEqual([]);
  });

  it('of the infrastructure are all declared, and none for local use is among them', () => {
    const names = [
      ...read('infra/modules/function-app.bicep').matchAll(
        /\b(AzureWebJobsStorage__\w+|Dataverse__\w+|FANOUT_\w+|APPLICATIONINSIGHTS_\w+)/g,
      ),
    ].map(([name]) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !known(name))).toEqual([]);
    expect(names).not.toContain('FANOUT_ALLOW_LOOPBACK_HTTP');
  });

  it('are all at hand where the app is tried out and where it is deployed', () => {
    const ofTheApp = settingDeclarations
      .map(({ name }) => name)
      .filter((name) => name.startsWith('FANOUT_') && name !== 'FANOUT_ALLOW_LOOPBACK_HTTP');
    const [sample, deployed] = [read('local.settings.sample.json'), read('infra/modules/function-app.bicep')];
    expect(ofTheApp.filter((name) => !sample.includes(`"${name}"`))).toEqual([]);
    const ofConnections = [...declared].filter((name) => name.startsWith('Dataverse__'));
    expect([...ofTheApp, ...ofConnections].filter((name) => !deployed.includes(`${name}:`))).toEqual([]);
  });

  it('that azd takes from its environment are those that operators are told of, with their defaults', () => {
    const taken = [...read('infra/main.parameters.json').matchAll(/\$\{(\w+)=?([^}]*)\}/g)]
      .map(([, name = '', value = '']) => [name, value] as const)
      .filter(([name]) => !name.startsWith('AZURE_'));
    const table = /\| Name \| Meaning [^]*?\n\n/.exec(read('docs/operations.md'))?.[0] ?? '';
    const told = [...table.matchAll(/^\| `(\w+)` \|.*\| (\S.*?) \|$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    expect(told.map(([name]) => name).toSorted()).toEqual(taken.map(([name]) => name).toSorted());
    for (const [name, value] of taken.filter(([, fallback]) => fallback !== ''))
      expect(told).toContainEqual([name, `\`${value}\``]);
  });

  it('are all explained to the operator, with their defaults', () => {
    const operations = read('docs/operations.md');
    const missing = settingDeclarations.filter(
      (setting) =>
        !operations.includes(`\`${setting.name}\``) ||
        (setting.default !== undefined && !operations.includes(`\`${setting.default}\``)),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('cannot ask for more lanes than the host runs at once', () => {
    const host = JSON.parse(read('host.json')) as {
      readonly extensions: { readonly durableTask: { readonly maxConcurrentActivityFunctions: number } };
    };
    expect(host.extensions.durableTask.maxConcurrentActivityFunctions).toBeGreaterThanOrEqual(1_024);
  });
});
