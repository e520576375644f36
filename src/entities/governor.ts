import type { EntityContext } from 'durable-functions';
import { governorOperations } from '../names.ts';
import { idleGovernor, lease, release, type GovernorState, type LeaseRequest } from '../plan/governor.ts';

/** Shell of the control law: reads the clock, applies one step, keeps the state. One durable entity a connection. */
export function governor(context: EntityContext<GovernorState>): void {
  const state = readable(context.df.getState(() => idleGovernor) ?? undefined);
  switch (context.df.operationName) {
    case governorOperations.lease: {
      const request = context.df.getInput<LeaseRequest>();
      if (request === undefined) break;
      const step = lease(state, request, Date.now());
      context.df.setState(step.state);
      context.df.return(step.grant);
      break;
    }
    case governorOperations.release: {
      const request = context.df.getInput<{ readonly runId: string }>();
      if (request !== undefined) context.df.setState(release(state, request.runId));
      break;
    }
    default:
      break;
  }
}

/** What an earlier version of the app has learned in another shape is learned again. */
const readable = (state: GovernorState | undefined): GovernorState =>
  state !== undefined && hasShapeOf(idleGovernor, state) ? state : idleGovernor;

/** Whether all that the one names is in the other, however deep; a number that was none has become null. What is in lists is not looked at. */
function hasShapeOf(known: unknown, other: unknown): boolean {
  if (typeof known === 'number') return typeof other === 'number';
  if (typeof known !== 'object' || known === null || Array.isArray(known)) return other !== undefined;
  if (typeof other !== 'object' || other === null) return false;
  const members = other as Readonly<Record<string, unknown>>;
  return Object.entries(known).every(([name, value]) => hasShapeOf(value, members[name]));
}
