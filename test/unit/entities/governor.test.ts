import type { EntityContext } from 'durable-functions';
import { describe, expect, it } from 'vitest';
import { governor } from '../../../src/entities/governor.ts';
import { governorOperations } from '../../../src/names.ts';
import type { GovernorState, Grant } from '../../../src/plan/governor.ts';
import { noFit } from '../../../src/plan/request-size.ts';

/** An entity whose state goes through JSON between two calls, as Durable keeps it. */
function entity(stored?: unknown) {
  let kept = stored === undefined ? undefined : JSON.stringify(stored);
  return {
    call: (operationName: string, input: unknown): Grant => {
      let answer: unknown;
      const df = {
        operationName,
        getState: (initial: () => GovernorState) =>
          kept === undefined ? initial() : (JSON.parse(kept) as GovernorState),
        getInput: () => input,
        setState: (state: unknown) => void (kept = JSON.stringify(state)),
        return: (value: unknown) => void (answer = value),
      };
      governor({ df } as unknown as EntityContext<GovernorState>);
      return answer as Grant;
    },
    state: () => JSON.parse(kept ?? 'null') as GovernorState,
  };
}

const request = (runId: string) => ({ runId, wanted: 40, hint: 16, fit: noFit });

describe('the governor of a connection', () => {
  it('keeps what it learned and who holds lanes from call to call', () => {
    const { call, state } = entity();
    const first = call(governorOperations.lease, request('a'));
    expect(first.lanes).toBe(16);
    expect(state().law.hint).toBe(16);
    call(governorOperations.lease, request('b'));
    expect(Object.keys(state().leases)).toEqual(['a', 'b']);
    call(governorOperations.release, { runId: 'a' });
    expect(Object.keys(state().leases)).toEqual(['b']);
  });

  it.each([
    ['knew nothing of probes', ({ law: { probe: _probe, ...law }, ...state }: GovernorState) => ({ ...state, law })],
    [
      'knew less of servers',
      ({ law: { routing, ...law }, ...state }: GovernorState) => {
        const { seen: _seen, ...less } = routing;
        return { ...state, law: { ...law, routing: less } };
      },
    ],
    [
      'had no number where one belongs',
      (state: GovernorState) => ({ ...state, law: { ...state.law, aim: Number.NaN } }),
    ],
    ['was another thing altogether', (state: GovernorState) => ({ ...state, law: { dop: 4 } })],
  ])('learns again what an earlier version kept that %s', (_what, earlier: (state: GovernorState) => unknown) => {
    const known = entity();
    known.call(governorOperations.lease, request('a'));
    const { call, state } = entity(earlier(known.state()));
    expect(call(governorOperations.lease, request('b')).lanes).toBe(16);
    expect(Object.keys(state().leases)).toEqual(['b']);
    expect(state().law.aim).toBeGreaterThan(0);
  });
});
