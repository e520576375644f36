import { EntityId, type DurableClient } from 'durable-functions';
import { names } from '../names.ts';
import type { GovernorState } from '../plan/governor.ts';

export interface GovernorKnowledge {
  /** What the environment recommended last; undefined where no run has asked yet. */
  readonly hint: number | undefined;
  /** Requests in flight on average that runs on the connection have found to be sustained; undefined where none met a limit. */
  readonly ceiling: number | undefined;
}

/** What runs on a connection have taught its governor. */
export async function readGovernor(client: DurableClient, connection: string): Promise<GovernorKnowledge> {
  const { entityState } = await client.readEntityState<GovernorState>(new EntityId(names.governor, connection));
  const law = (entityState as Partial<GovernorState> | undefined)?.law;
  if (law?.cells === undefined) return { hint: undefined, ceiling: undefined };
  return {
    hint: law.hint ?? undefined,
    ceiling: law.ceiling === null ? undefined : law.ceiling * law.cells.length,
  };
}
