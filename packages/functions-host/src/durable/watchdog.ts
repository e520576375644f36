import { writeFileSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { guardSlots } from './guard-memory.ts';
import type { StoppedTurn, WatchdogData } from './guard-memory.ts';

/** The thread behind `createTurnGuard`. It counts its own ticks, so that a machine that slept or a process that was stopped is no reason. */
const { memory, path, limitS } = workerData as WatchdogData;
const slots = new Int32Array(memory, 0, guardSlots.count);
const tickMs = 1_000;
const warnAfterTicks = 10;
const stderr = 2;

function runningTurn(): Omit<StoppedTurn, 'fault'> | undefined {
  const length = Atomics.load(slots, guardSlots.textLength);
  if (length === 0) return undefined;
  const bytes = Buffer.from(new Uint8Array(memory, slots.byteLength, length));
  return JSON.parse(bytes.toString('utf8')) as Omit<StoppedTurn, 'fault'>;
}

function say(level: string, message: string): void {
  writeSync(stderr, `${new Date().toISOString()} [${level}] Host.Watchdog: ${message}\n`);
}

function warn(): void {
  const turn = runningTurn();
  const who = turn ? `The orchestrator of instance '${turn.instanceId}'` : 'Some function of the app';
  const after = turn
    ? ` After ${limitS} s the host will be stopped, and the run ends as failed when it starts again.`
    : '';
  say(
    'warning',
    `${who} has kept the event loop for ${warnAfterTicks} s; nothing else can run (an endless loop?).${after}`,
  );
}

function stop(): void {
  const turn = runningTurn();
  if (!turn || Atomics.load(slots, guardSlots.debugged) === 1) return;
  const fault = `it ran for ${limitS} s without coming to an end (an endless loop?), and the host had to be stopped for it.`;
  writeFileSync(path, JSON.stringify({ ...turn, fault } satisfies StoppedTurn));
  say(
    'critical',
    `Instance '${turn.instanceId}': ${fault} Start the host again: the run ends as failed, everything else goes on.`,
  );
  process.kill(process.pid, 'SIGKILL');
}

let seen = -1;
let ticks = 0;
for (;;) {
  Atomics.wait(slots, guardSlots.never, 0, tickMs);
  const heartbeat = Atomics.load(slots, guardSlots.heartbeat);
  ticks = heartbeat === seen ? ticks + 1 : 0;
  seen = heartbeat;
  if (ticks === warnAfterTicks) warn();
  if (ticks >= limitS) stop();
}
