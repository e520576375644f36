import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../src/clock.ts';
import { parseCliArguments } from '../../src/cli-arguments.ts';
import { serializeCookie } from '../../src/http/function-call.ts';
import { createLog } from '../../src/log.ts';
import { parseHostJson, parseTimeSpan } from '../../src/settings/host-json.ts';
import { applySettings, parseLocalSettings } from '../../src/settings/local-settings.ts';

const durableTask = (settings: object) => ({ version: '2.0', extensions: { durableTask: settings } });

describe('host.json', () => {
  test('overrides defaults', () => {
    const parsed = parseHostJson({
      version: '2.0',
      functionTimeout: '00:05:00',
      logging: { logLevel: { default: 'Warning' } },
      extensions: { http: { routePrefix: '' }, durableTask: { hubName: 'Hub', maxConcurrentActivityFunctions: 3 } },
    });
    expect(parsed).toMatchObject({
      routePrefix: '',
      functionTimeoutMs: 300_000,
      durable: { hubName: 'Hub', maxConcurrentActivityFunctions: 3 },
    });
    expect(parseHostJson({})).toMatchObject({ routePrefix: 'api', durable: { maxOrchestrationActions: 100_000 } });
  });

  test.each([
    [
      { version: '2.0', extensions: { durableTask: { maxConcurrentActivityFunctions: 0 } } },
      /"maxConcurrentActivityFunctions" must be a whole number/u,
    ],
    [{ functionTimeout: '00:05:00' }, /"version" must be "2.0", it has none/u],
    [{ version: '1.0' }, /"version" must be "2.0", not "1.0"/u],
    [{ version: '2.0', functionTimeout: 'long' }, /"functionTimeout"/u],
    [{ version: '2.0', functionTimeout: '00:00:00' }, /"functionTimeout"/u],
    [{ version: '2.0', extensions: [] }, /"extensions" must be an object/u],
    [{ version: '2.0', logging: { logLevel: { Host: 'Loud' } } }, /the log level of "Host" is unknown: "Loud"/u],
    [
      durableTask({ overridableExistingInstanceStates: 'Some' }),
      /must be one of NonRunningStates, AnyState, not "Some"/u,
    ],
    [durableTask({ storeInputsInOrchestrationHistory: 'yes' }), /must be true or false, not "yes"/u],
    [durableTask({ hubName: 'my-hub' }), /"hubName" must be 3 to 45 letters and digits .*not "my-hub"/u],
    [durableTask({ hubName: '%HUB%' }), /"hubName" names the setting "HUB", which does not exist/u],
  ])('%j is refused', (root, message) => {
    expect(() => parseHostJson(root)).toThrow(message);
  });

  test.each([
    ['00:00:00.5', 500],
    ['1.02:03:04', 93_784_000],
    ['24:00:00', undefined],
    ['5', undefined],
  ])('the TimeSpan %s is %s ms', (text, durationMs) => {
    expect(parseTimeSpan(text)).toBe(durationMs);
  });
});

test('the name of the task hub may come from a setting', () => {
  expect(parseHostJson(durableTask({ hubName: 'Hub%STAGE%' }), 'host.json', { STAGE: 'Test' }).durable.hubName).toBe(
    'HubTest',
  );
});

describe('local.settings.json', () => {
  test('gives settings as text, a port and who may call from browsers', () => {
    const host = { LocalHttpPort: '7072', CORS: 'https://a.example/, https://b.example', CORSCredentials: true };
    expect(parseLocalSettings({ Values: { A: 'a', B: 1, C: true }, Host: host })).toEqual({
      values: { A: 'a', B: '1', C: 'true' },
      port: 7072,
      cors: { origins: ['https://a.example', 'https://b.example'], credentials: true },
    });
  });

  test.each([
    [{ IsEncrypted: true, Values: {} }, /is encrypted/u],
    [{ Values: 'none' }, /"Values" must be an object/u],
    [{ Values: { A: { b: 1 } } }, /the setting "A" must be text, not \{"b":1\}/u],
    [{ Host: { LocalHttpPort: 70_000 } }, /"LocalHttpPort" must be a number from 0 to 65535, not 70000/u],
    [{ Host: { CORS: ['*'] } }, /"CORS" must be text/u],
  ])('%j is refused', (root, message) => {
    expect(() => parseLocalSettings(root)).toThrow(message);
  });
});

test('existing variables win over settings, and added ones go again', () => {
  const environment: NodeJS.ProcessEnv = { A: 'old' };
  const remove = applySettings(environment, { A: 'new', B: 'new' });
  expect(environment).toEqual({ A: 'old', B: 'new' });
  remove();
  expect(environment).toEqual({ A: 'old' });
});

describe('the command line', () => {
  test('knows its options', () => {
    expect(parseCliArguments(['app', '--port', '0', '--data', 'd', '--keys', 'on'])).toEqual({
      help: false,
      appDir: 'app',
      port: 0,
      dataDir: 'd',
      requireKeys: true,
    });
    expect(parseCliArguments([])).toMatchObject({ appDir: '.', port: undefined, requireKeys: false });
  });

  test.each([
    [['--prot', '1'], /'--prot'/u],
    [['--port', 'x'], /--port must be a number/u],
    [['--port', '70000'], /--port must be a number/u],
    [['--keys', 'maybe'], /--keys must be on or off/u],
    [['a', 'b'], /also "b"/u],
  ])('%j is refused', (args, message) => {
    expect(() => parseCliArguments(args)).toThrow(message);
  });
});

test('log levels follow the longest prefix of a category', () => {
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), {
    default: 'warning',
    Function: 'information',
    'Function.noisy': 'error',
  });
  log('information', 'Host.Startup', 'no');
  log('information', 'Function.quiet', 'yes');
  log('warning', 'Function.noisy', 'no');
  expect(lines.map((line) => line.split(': ')[1])).toEqual(['yes\n']);
});

test('cookies carry their attributes', () => {
  expect(
    serializeCookie({ name: 'n', value: 'v', path: { value: '/' }, secure: { value: true }, sameSite: 'explicitNone' }),
  ).toBe('n=v; Path=/; Secure; SameSite=None');
});

describe('the virtual clock', () => {
  test('rings alarms in order while it is moved', () => {
    const clock = createVirtualClock();
    const startMs = clock.now();
    const rung: [string, number][] = [];
    const ring = (name: string) => () => void rung.push([name, clock.now() - startMs]);
    clock.wakeAt(startMs + 200, ring('second'));
    clock.wakeAt(startMs + 100, ring('first'));
    const cancel = clock.wakeAt(startMs + 150, ring('cancelled'));
    cancel();
    clock.advance(300);
    expect(rung).toEqual([
      ['first', 100],
      ['second', 200],
    ]);
    expect(clock.now()).toBe(startMs + 300);
  });

  test('jumps to the next durable timer when idle, if it is told to', () => {
    const dayMs = 86_400_000;
    for (const skipWhenIdle of [true, false]) {
      const clock = createVirtualClock({ skipWhenIdle });
      const startMs = clock.now();
      clock.idle(startMs + dayMs);
      expect(clock.now() - startMs).toBe(skipWhenIdle ? dayMs : 0);
    }
  });
});
