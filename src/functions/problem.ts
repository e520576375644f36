import type { HttpResponseInit } from '@azure/functions';
import { countFaults, type Fault } from '../plan/fault.ts';

/** An RFC 9457 problem. Details go to callers, so they never carry secrets, tokens or row contents. */
export function problem(status: number, title: string, faults?: readonly Fault[]): HttpResponseInit {
  const body = { type: 'about:blank', title, status, ...(faults === undefined ? {} : { errors: faults }) };
  return { status, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(body) };
}

export const faultyProblem = (what: string, faults: readonly Fault[]): HttpResponseInit =>
  problem(400, `The ${what} has ${countFaults(faults)}`, faults);
