import { createHash } from 'node:crypto';

/** A node of a generated orchestration; what it means is in the fixture app "random". */
export interface PlanNode {
  readonly op: string;
  readonly id: number;
  readonly n: number;
  readonly [field: string]: unknown;
}

/** A plan with what it has to come to: its value, and what each entity has to hold afterwards. */
export interface Plan {
  readonly root: PlanNode;
  readonly value: number;
  readonly totals: ReadonlyMap<string, number>;
}

/** Numbers in [0, 1) that follow from a seed alone: the hash of seed and place in the sequence. */
export function randomFrom(seed: number): () => number {
  let place = 0;
  return () => createHash('sha256').update(`${seed} ${place++}`).digest().readUInt32BE() / 2 ** 32;
}

const taskOps = ['give', 'give', 'give', 'text', 'retry', 'retryChild', 'timer', 'event', 'child', 'call', 'all'];
const ownOps = ['seq', 'race', 'answered', 'expired', 'caught', 'caughtChild', 'signal', 'locked'];
const stepOps = [...taskOps, ...ownOps];
const entityKeys = ['a', 'b', 'c'];
const maxDepth = 3;

export function randomPlan(random: () => number): Plan {
  const totals = new Map<string, number>();
  let nextId = 0;
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = (list: readonly string[]) => list[below(list.length)] ?? '';

  /** `times` is how often the node is walked: continue-as-new repeats what is under it. */
  const make = (ops: readonly string[], depth: number, times: number): [PlanNode, number] => {
    const op = depth >= maxDepth ? 'give' : pick(ops);
    const base = { op, id: nextId++, n: 1 + below(9), ms: below(20) };
    const several = (inner: readonly string[]): [PlanNode, number] => {
      const members = Array.from({ length: 1 + below(4) }, () => make(inner, depth + 1, times));
      return [{ ...base, of: members.map(([node]) => node) }, members.reduce((sum, [, value]) => sum + value, 0)];
    };
    const add = (key: string, n: number) => totals.set(key, (totals.get(key) ?? 0) + n * times);
    switch (op) {
      case 'all':
        return several(taskOps);
      case 'seq':
        return several(stepOps);
      case 'timer':
        return [base, 0];
      case 'retry':
      case 'retryChild':
        return [{ ...base, fails: below(3) }, base.n];
      case 'race':
        return [{ ...base, otherMs: below(20) }, base.n];
      case 'child': {
        const rounds = 1 + below(2);
        const [plan, value] = make(stepOps, depth + 1, times * rounds);
        return [{ ...base, plan, rounds, named: below(2) === 0 && times === 1 }, value * rounds];
      }
      case 'call':
      case 'signal': {
        const key = pick(entityKeys);
        add(key, base.n);
        return [{ ...base, key }, base.n];
      }
      case 'locked': {
        const key = pick(entityKeys);
        const other = pick(entityKeys.filter((one) => one !== key));
        add(key, base.n);
        add(other, -base.n);
        return [{ ...base, key, other }, base.n];
      }
      default:
        return [base, base.n];
    }
  };

  const steps = Array.from({ length: 2 + below(4) }, () => make(stepOps, 0, 1));
  const root = { op: 'seq', id: nextId++, n: 0, of: steps.map(([node]) => node) };
  return { root, value: steps.reduce((sum, [, value]) => sum + value, 0), totals };
}
