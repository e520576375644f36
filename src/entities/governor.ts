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
  (state as Partial<GovernorState> | undefined)?.law?.cells === undefined ? idleGovernor : (state ?? idleGovernor);
