import { EntityId, type OrchestrationContext } from 'durable-functions';
import { governorOperations, names } from '../names.ts';
import type { Grant } from '../plan/governor.ts';
import type { BulkRunInput } from '../plan/payloads.ts';
import { leaseRequest, type RunState } from '../plan/run-state.ts';
import { run as runTask, type Steps } from './steps.ts';

const governorOf = (input: BulkRunInput) => new EntityId(names.governor, input.spec.connection);

/** Asks the connection's governor for the next wave, telling it what the last one met. */
export function* leaseLanes(context: OrchestrationContext, input: BulkRunInput, run: RunState): Steps<Grant> {
  const request = leaseRequest(input.runId, run, input.spec, input.bounds);
  return yield* runTask<Grant>(context.df.callEntity(governorOf(input), governorOperations.lease, request));
}

/** Gives the lanes back to the other runs of the connection. */
export function releaseLanes(context: OrchestrationContext, input: BulkRunInput): void {
  context.df.signalEntity(governorOf(input), governorOperations.release, { runId: input.runId });
}
