import type { Clock } from './clock.ts';
import { environmentOf } from './connection.ts';
import { createThrottleGate } from './throttle-gate.ts';
import type { ThrottleGate } from './throttle-gate.ts';

/** The throttle gate of an identity in an environment: the same one for every connection of the process that sends as it. */
export type Gates = (origin: string, clientId: string | undefined) => ThrottleGate;

export function createGates(clock: Clock): Gates {
  const gates = new Map<string, ThrottleGate>();
  return (origin, clientId) => {
    const identity = `${environmentOf(origin)} ${clientId?.toLowerCase() ?? ''}`;
    const gate = gates.get(identity) ?? createThrottleGate({ clock });
    gates.set(identity, gate);
    return gate;
  };
}
