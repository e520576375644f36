import type { FaultRule } from 'dataverse-emulator';
import type { Random } from '../random.ts';
import type { Family } from './family.ts';

const everywhere = [
  'commitThenDrop', 'resetBefore', 'cutBody', 'htmlError', 'throttleConcurrency', 'throttleRequests', 'deadlock', 'sqlTimeout',
  'transactionAborted', 'unexpected', 'sandboxUnavailable', 'upsertRace', 'lateCommit',
] as const; // prettier-ignore

const onOddNetworks = [
  'commitThenDrop', 'cutBody', 'htmlError', 'htmlError', 'throttleExecutionTime', 'slowHeaders', 'slowBody', 'hint', 'error',
] as const; // prettier-ignore

/** What the environment does to requests. */
export function rulesOf(random: Random, family: Family): FaultRule[] {
  return Array.from({ length: random.between(0, 4) }, () =>
    family === 'network' ? networkRule(random) : commonRule(random),
  );
}

function commonRule(random: Random): FaultRule {
  const kind = random.pick(everywhere);
  return {
    kind,
    // Two upserts of one new key are what this race is about.
    match: kind === 'upsertRace' ? { message: 'UpsertMultiple' } : { method: 'POST' },
    probability: random.pick([0.05, 0.2, 0.6]),
    times: random.between(1, 8),
    ...(kind === 'lateCommit' ? { delayMs: random.between(1, 110) * 1_000 } : {}),
    ...(kind.startsWith('throttle') ? { retryAfterSeconds: random.between(1, 120) } : {}),
  };
}

function networkRule(random: Random): FaultRule {
  const kind = random.pick(onOddNetworks);
  const common = {
    kind,
    // Also what a run asks before it sends a row.
    match: random.chance(0.3) ? {} : { method: 'POST' },
    probability: random.pick([0.05, 0.2, 0.6]),
    times: random.between(1, 12),
  };
  switch (kind) {
    case 'slowHeaders':
    case 'slowBody':
      return { ...common, delayMs: random.between(1, 140) * 1_000 };
    case 'hint':
      return { ...common, hint: random.pick<number | string | null>([0, -3, 1, 400, 'many', '', null]) };
    case 'error':
      return {
        ...common,
        status: random.pick([408, 500, 502, 504]),
        code: random.pick(['0x80040216', '0x8004418d', '0x80040255']),
      };
    case 'htmlError':
      return { ...common, status: random.pick([500, 502, 503, 504]), retryAfterSeconds: random.pick([null, 0, 5, 70]) };
    case 'throttleExecutionTime':
      return {
        ...common,
        retryAfterSeconds: random.pick([null, 0, 7, 200]),
        body: random.pick(['error', 'message'] as const),
      };
    default:
      return common;
  }
}
