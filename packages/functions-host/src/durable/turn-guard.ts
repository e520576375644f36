import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { errorMessage } from '../errors.ts';
import { isObject, tryParse } from '../json.ts';
import type { Log } from '../log.ts';
import { guardedBytes, guardSlots } from './guard-memory.ts';
import type { StoppedTurn, WatchdogData } from './guard-memory.ts';

/** Whose code is running. */
export interface GuardedTurn {
  readonly instanceId: string;
  readonly executionId: string;
}

/** Stands between the host and orchestrators that would take it down at every start. */
export interface TurnGuard {
  /** Runs the orchestrator's code, all of it before this returns. */
  run<T>(turn: GuardedTurn, code: () => T): T;
  /** What this execution's code did to a former process; undefined if nothing. */
  faultOf(turn: GuardedTurn): string | undefined;
  /** That execution has ended for it. */
  settle(turn: GuardedTurn): void;
  close(): void;
}

/** For a host that shares its process: nothing is watched. */
export const noTurnGuard: TurnGuard = {
  run: (_, code) => code(),
  faultOf: () => undefined,
  settle: () => undefined,
  close: () => undefined,
};

const heartbeatMs = 1_000;

/**
 * For a process that does nothing but host. A thread of its own warns on stderr when the event loop stands still, and kills the process when
 * an orchestrator's code does not end within `limitS`; what it does not kill but ends itself (`process.exit`) is noticed as well. Either
 * is written to `path`, so that the next process fails that run instead of running into it again. Stands back while a debugger is attached.
 */
export function createTurnGuard(path: string, limitS: number, log: Log): TurnGuard {
  const memory = new SharedArrayBuffer(guardedBytes);
  const slots = new Int32Array(memory, 0, guardSlots.count);
  const text = new Uint8Array(memory, slots.byteLength);
  const encoder = new TextEncoder();
  let current: GuardedTurn | undefined;
  let stopped = readStoppedTurn(path);

  const beat = () => {
    Atomics.store(slots, guardSlots.debugged, inspectorUrl() === undefined ? 0 : 1);
    Atomics.add(slots, guardSlots.heartbeat, 1);
  };
  const heart = setInterval(beat, heartbeatMs).unref();
  const workerData: WatchdogData = { memory, path, limitS };
  const watchdog = new Worker(new URL(import.meta.url.replace('turn-guard', 'watchdog')), { workerData, execArgv: [] });
  watchdog.unref();
  watchdog.on('error', (error) => log('warning', 'Host.Watchdog', `Nobody watches any more: ${errorMessage(error)}`));
  const onExit = () => {
    const fault = 'its code ended the process (process.exit).';
    if (current) writeFileSync(path, JSON.stringify({ ...current, fault } satisfies StoppedTurn));
  };
  process.on('exit', onExit);

  const isStopped = (turn: GuardedTurn) =>
    stopped?.instanceId === turn.instanceId && stopped.executionId === turn.executionId;
  return {
    run(turn, code) {
      current = turn;
      const { written } = encoder.encodeInto(JSON.stringify(turn), text);
      Atomics.store(slots, guardSlots.textLength, written);
      try {
        return code();
      } finally {
        current = undefined;
        Atomics.store(slots, guardSlots.textLength, 0);
      }
    },
    faultOf: (turn) => (isStopped(turn) ? stopped?.fault : undefined),
    settle(turn) {
      if (!isStopped(turn)) return;
      stopped = undefined;
      rmSync(path, { force: true });
    },
    close() {
      clearInterval(heart);
      process.off('exit', onExit);
      void watchdog.terminate();
    },
  };
}

function readStoppedTurn(path: string): StoppedTurn | undefined {
  try {
    const value = tryParse(readFileSync(path, 'utf8'));
    return isObject(value) ? (value as unknown as StoppedTurn) : undefined;
  } catch {
    return undefined;
  }
}
