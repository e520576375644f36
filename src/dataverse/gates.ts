import type { Clock } from './clock.ts';
import { environmentOf } from './connection.ts';
import { createIdentityGates, type IdentityGates } from './identity-gates.ts';

/** The throttle gates of an identity in an environment: the same ones for every connection of the process that sends as it. */
export type Gates = (origin: string, clientId: string | undefined) => IdentityGates;

export function createGates(clock: Clock): Gates {
  const gates = new Map<string, IdentityGates>();
  return (origin, clientId) => {
    const identity = `${environmentOf(origin)} ${clientId?.toLowerCase() ?? ''}`;
    const known = gates.get(identity) ?? createIdentityGates({ clock });
    gates.set(identity, known);
    return known;
  };
}
