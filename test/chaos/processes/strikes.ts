import { setTimeout as delay } from 'node:timers/promises';
import { until, type App } from '../../support/app.ts';
import type { Random } from '../random.ts';
import type { Aim } from './aims.ts';
import { lastSequence } from './evidence.ts';
import type { Fate, Interception, Passing } from './proxy.ts';

/** Waits for an event of the journal, then kills the host, or freezes it for longer than a box. */
export async function strikeByJournal(app: App, random: Random, began: number, rowCount: number): Promise<string> {
  const at = began + random.between(1, Math.max(1, Math.floor(rowCount * 0.9)));
  const started = Date.now();
  await until(`journal event ${at}`, async () => (await lastSequence(app)) >= at || Date.now() - started > 8_000);
  if (random.chance(0.25)) {
    const { pid } = app.stack.hostProcess;
    process.kill(pid, 'SIGSTOP');
    await delay(random.between(500, 9_000));
    process.kill(pid, 'SIGCONT');
    return `frozen at ${at - began}`;
  }
  await app.stack.hostProcess.kill('SIGKILL');
  await app.stack.hostProcess.restart();
  return `killed at ${at - began}`;
}

/** A kill that waits for its request. */
export interface AimedKill extends Interception {
  /** Settles when the host is there again. */
  readonly struck: Promise<void>;
  readonly hasStruck: () => boolean;
  readonly kills: () => number;
}

/** Kills the host at the `nth` request that fits, or at each, which then is not passed on, or not answered. */
export function aimKill(app: App, aim: Aim, nth: number): AimedKill {
  let seen = 0;
  let kills = 0;
  let restarted: () => void = () => undefined;
  let failed: (error: unknown) => void = () => undefined;
  const struck = new Promise<void>((resolve, reject) => ([restarted, failed] = [resolve, reject]));
  struck.catch(() => undefined);
  const at =
    (when: Aim['when'], fate: Fate) =>
    async (passing: Passing): Promise<Fate> => {
      if (aim.when !== when || !aim.fits(passing)) return 'pass';
      seen += 1;
      if (aim.isEach === undefined && seen !== nth) return 'pass';
      kills += 1;
      const { hostProcess } = app.stack;
      await hostProcess.kill('SIGKILL');
      void hostProcess.restart().then(restarted, failed);
      return fate;
    };
  return {
    arrived: at('arrived', 'cutBefore'),
    answered: at('answered', 'cutAfter'),
    struck,
    hasStruck: () => seen >= nth,
    kills: () => kills,
  };
}
