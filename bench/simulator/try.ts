import { profiles } from 'dataverse-emulator';
import { ceilingOf } from './ceiling.ts';
import { EventQueue } from './event-queue.ts';
import { Recorder } from './recorder.ts';
import { SharedGovernor, startRun } from './run.ts';
import { World } from './world.ts';

for (const name of process.argv.slice(2)) for (const seed of [1,2,3,4]) {
  const { servers, hint, limits, latency } = profiles.get(name)!;
  const env = { name, servers, hint: hint as number, limits, latency, work: 'upsert' as const, badShare: 0 };
  const queue = new EventQueue(); const recorder = new Recorder();
  const world = new World(env, { queue, recorder, seed });
  const run = startRun({ queue, world, recorder }, new SharedGovernor(), { runId: 'r', user: 'us', rows: 100_000_000, serverAware: process.env['AWARE'] === '1' });
  for (let s = 1; s <= 660; s++) queue.at(s * 1000, () => recorder.tick(s * 1000));
  queue.runUntil(660_000);
  const w = recorder.seconds('us').slice(60, 660);
  const sum = (f: (x: any) => number) => w.reduce((t, x) => t + f(x), 0);
  const rate = sum((x) => x.rows) / 600;
  const best = ceilingOf(env), c100 = ceilingOf(env, { size: 100 });
  console.log(name, seed, 'eff', (rate / best.rowsPerSecond).toFixed(3), 'vs100', (rate / c100.rowsPerSecond).toFixed(3), best.binding, best.inFlight.toFixed(1), best.rowsPerRequest, 'req', sum(x => x.requests), '429', sum(x => x.throttled), (100 * sum(x => x.throttled) / (sum(x => x.throttled)+sum(x => x.requests))).toFixed(2) + '%', 'early', world.earlyRetries('us'), JSON.stringify(recorder.facets), 'events', run.events, 'waves', run.state.wave);
  if (process.env['V']) for (let t = 0; t < 660; t += 20) { const q = recorder.seconds('us').slice(t, t + 20); console.log(t, 'avg in flight', (q.reduce((x, y) => x + y.inFlight, 0) / 20).toFixed(1), 'lanes', q[10]?.lanes, '429', q.reduce((x, y) => x + y.throttled, 0)); }
  if (process.env['V']) for (const d of run.state.decisions) console.log(d.at.slice(14, 19), d.wave, d.lanes, d.duty, d.rowsPerRequest, d.boxSeconds, d.why);
}
