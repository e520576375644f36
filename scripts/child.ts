import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ChildOptions extends ChildWatch {
  /** What messages call it. */
  readonly name: string;
  /** JavaScript file to run on this same Node. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Looks at each line of standard output; an answer means the child is ready, and is handed to the caller. */
  readonly readyWhen: (line: string) => string | undefined;
  readonly readyWithinMs?: number;
}

/** How the one who starts a child takes part. */
export interface ChildWatch {
  /** Receives each line the child writes, but for the ready line. */
  readonly onLine?: (line: string) => void;
  /** Gives up waiting for the ready line, and ends the child. */
  readonly signal?: AbortSignal;
}

/** A child process that has said it is ready. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** What `readyWhen` made of the ready line. */
  readonly ready: string;
  /** Settles when the process has ended, with a sentence that says how and its last lines. */
  readonly ended: Promise<string>;
  /** Ends it: SIGTERM, then SIGKILL. Done when the process is gone; harmless when it is gone already. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

const defaultReadyWithinMs = 60_000;
/** A child that has not ended this long after SIGTERM is killed. */
const stopWithinMs = 10_000;
const tailLines = 20;

const endWithParent = fileURLToPath(new URL('./end-with-parent.ts', import.meta.url));

/**
 * Starts a child and waits for its ready line. The child has a process group of its own, so that Ctrl-C in a terminal
 * reaches only the parent, which then stops its children in order. Throws with the child's last lines when it ends early or takes too long.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, script, args, env } = options;
  const child = spawn(process.execPath, ['--import', endWithParent, script, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const tail: string[] = [];
  const ended = (async () => {
    // `close` comes when the output has been read to its end as well.
    await once(child, 'close').catch((error: unknown) => tail.push(String(error)));
    return describeEnd(name, child, tail);
  })();
  const ready = await becomeReady(child, options, tail, ended);
  if (child.pid === undefined) throw new Error(`${name} has no process id`);

  const signalAndWait = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  return {
    name,
    pid: child.pid,
    ready,
    ended,
    kill: () => signalAndWait('SIGKILL'),
    stop: () => stopChild(child, ended),
  };
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const escalation = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
  await ended;
  clearTimeout(escalation);
}

async function becomeReady(
  child: ChildProcess,
  options: ChildOptions,
  tail: string[],
  ended: Promise<string>,
): Promise<string> {
  const keep = (line: string) => {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    options.onLine?.(line);
  };
  const withinMs = options.readyWithinMs ?? defaultReadyWithinMs;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      let isReady = false;
      forEachLine(child.stderr, keep);
      forEachLine(child.stdout, (line) => {
        const answer = isReady ? undefined : options.readyWhen(line);
        if (answer === undefined) {
          keep(line);
        } else {
          isReady = true;
          resolve(answer);
        }
      });
      const tooLate = () =>
        reject(new Error(withTail(`${options.name} was not ready within ${withinMs / 1000} s`, tail)));
      timer = setTimeout(tooLate, withinMs);
      void ended.then((how) => reject(new Error(how)));
      const giveUp = () => reject(new Error(`${options.name} was not waited for`));
      if (options.signal?.aborted === true) giveUp();
      options.signal?.addEventListener('abort', giveUp, { once: true });
    });
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function forEachLine(stream: NodeJS.ReadableStream | null, use: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', use);
}

function describeEnd(name: string, child: ChildProcess, tail: readonly string[]): string {
  const how = child.signalCode === null ? `with exit code ${String(child.exitCode)}` : `by ${child.signalCode}`;
  return withTail(`${name} ended ${how}`, tail);
}

function withTail(sentence: string, tail: readonly string[]): string {
  return tail.length === 0 ? sentence : `${sentence}; its last lines:\n${tail.map((line) => `  ${line}`).join('\n')}`;
}
