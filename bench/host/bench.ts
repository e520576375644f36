import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startHost } from 'functions-host';
import { readOptions } from '../../scripts/command-options.ts';
import { BenchClient } from './client.ts';

/** Instances at once, and moments at which memory is looked at. */
const inFlight = 100;
const memorySteps = 5;

const parts = { activities: benchActivities, replay: benchReplay, memory: benchMemory };

const options = readOptions({
  command: 'npm run bench:host',
  about:
    'what the embedded host costs: activities per second, one turn by length of history, memory by number of finished instances',
  options: {
    instances: {
      kind: 'whole',
      least: memorySteps * inFlight,
      most: 10_000_000,
      default: 100_000,
      about: 'instances of the memory part',
    },
    only: { kind: 'text', value: 'PART', oneOf: Object.keys(parts), about: 'one part alone' },
  },
  notes:
    'Not measured: activities that do something, payloads of more than a few bytes, HTTP under load, power-loss durability.',
});

const appDir = fileURLToPath(new URL('fixtures/app', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'functions-host-bench-'));
const host = await startHost({ appDir, port: 0, dataDir });
const client = new BenchClient(host.url);

async function timed(name: string, input: object): Promise<{ seconds: number; cpuSeconds: number; output: unknown }> {
  const [begin, cpuBegin] = [performance.now(), process.cpuUsage()];
  const { output } = await client.finish(await client.start(name, input));
  const { user, system } = process.cpuUsage(cpuBegin);
  return { seconds: (performance.now() - begin) / 1000, cpuSeconds: (user + system) / 1e6, output };
}

/** 10,000 instant activities, each job three times; the middle one counts. */
async function benchActivities(): Promise<void> {
  await timed('oneHistory', { count: 10, width: 100 });
  console.log(
    '\nActivities (10,000 instant ones)                 per second   (lowest, highest)   per second of processor',
  );
  const jobs: [string, string, { count: number; width: number }][] = [
    ['one history, one wave', 'oneHistory', { count: 1, width: 10_000 }],
    ['one history, 100 waves of 100', 'oneHistory', { count: 100, width: 100 }],
    ['100 sub-orchestrations of 100', 'children', { count: 100, width: 100 }],
    ['continue-as-new after each of 100 waves of 100', 'continueAsNew', { count: 100, width: 100 }],
  ];
  for (const [label, name, input] of jobs) {
    const rates: number[] = [];
    const cpuRates: number[] = [];
    for (let round = 0; round < 3; round++) {
      const { seconds, cpuSeconds, output } = await timed(name, input);
      if (output !== 10_000) throw new Error(`${name} came to ${String(output)}`);
      rates.push(Math.round(10_000 / seconds));
      cpuRates.push(Math.round(10_000 / cpuSeconds));
    }
    const [lowest = 0, middle = 0, highest = 0] = rates.toSorted((a, b) => a - b);
    const range = `(${lowest}, ${highest})`;
    const cpuRate = cpuRates.toSorted((a, b) => a - b)[1] ?? 0;
    console.log(`${label.padEnd(48)} ${String(middle).padStart(8)}      ${range.padEnd(19)} ${cpuRate}`);
  }
}

const pokes = 9;

/** One event at a time into histories of growing length: what one turn takes, answer included. */
async function benchReplay(): Promise<void> {
  console.log('\nOne turn by length of history (median of 9)      ms       microseconds per event');
  for (const waves of [0, 5, 10, 20, 40, 80, 160]) {
    const id = await client.start('pokes', { count: waves, width: 100, pokes });
    const poked = (poke: number) => client.until(id, ({ customStatus }) => customStatus?.poke === poke, 1);
    await poked(1);
    const times: number[] = [];
    for (let poke = 1; poke <= pokes; poke++) {
      const begin = performance.now();
      await client.raise(id, 'poke');
      await poked(poke + 1);
      times.push(performance.now() - begin);
    }
    await client.raise(id, 'poke');
    await client.finish(id);
    const median = times.toSorted((a, b) => a - b)[Math.floor(pokes / 2)] ?? 0;
    // Every activity is two events, every wave two turns' worth of marks.
    const events = waves * 202 + 5;
    const perEvent = waves === 0 ? '' : ((median / events) * 1000).toFixed(2);
    console.log(`${`about ${events} events`.padEnd(44)} ${median.toFixed(1).padStart(8)}      ${perEvent}`);
  }
}

/** Small orchestrations until that many have ended, and what stays in memory. */
async function benchMemory(): Promise<void> {
  const step = Math.ceil(options.instances / memorySteps / inFlight) * inFlight;
  const total = step * memorySteps;
  console.log('\nFinished instances      heap MB   resident MB   database MB   per second');
  for (let finished = 0, begin = performance.now(); finished <= total;) {
    if (finished % step === 0) {
      globalThis.gc?.();
      const { heapUsed, rss } = process.memoryUsage();
      const rate = finished === 0 ? 0 : (step / (performance.now() - begin)) * 1000;
      const numbers = [
        heapUsed / 2 ** 20,
        rss / 2 ** 20,
        statSync(join(dataDir, 'durable.sqlite')).size / 2 ** 20,
        rate,
      ];
      console.log(`${String(finished).padEnd(20)} ${numbers.map((one) => one.toFixed(0).padStart(11)).join('   ')}`);
      begin = performance.now();
    }
    if (finished === total) return;
    const ids = await Promise.all(
      Array.from({ length: inFlight }, () => client.start('oneHistory', { count: 1, width: 1 })),
    );
    await Promise.all(ids.map((id) => client.finish(id)));
    finished += inFlight;
  }
}

for (const [name, part] of Object.entries(parts)) {
  if (options.only === undefined || options.only === name) await part();
}
await host.close();
rmSync(dataDir, { recursive: true });
