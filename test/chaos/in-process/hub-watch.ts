/**
 * What the task hub keeps of a run: inputs and outputs of activities, custom statuses, leases. It has to stay small, and nothing in it may
 * tell a secret or the value of a row.
 */
export interface HubWatch {
  readonly input: (activity: string, payload: unknown) => void;
  readonly output: (activity: string, result: unknown) => void;
  readonly status: (status: unknown) => void;
  /** Run ids that hold lanes when a run has ended. */
  readonly leases: (left: readonly string[]) => void;
  readonly violations: () => readonly string[];
}

const mostInputBytes = 16_384;
const mostOutputBytes = 4_096;
const mostStatusBytes = 4_096;

export function createHubWatch(secrets: readonly string[]): HubWatch {
  const violations = new Set<string>();
  const look = (what: string, value: unknown, mostBytes: number): void => {
    const text = value === undefined ? '' : JSON.stringify(value);
    if (Buffer.byteLength(text) > mostBytes) violations.add(`I13: ${what} has ${Buffer.byteLength(text)} bytes`);
    if (secrets.some((secret) => text.includes(secret))) violations.add(`I9: ${what} tells ${text.slice(0, 500)}`);
  };
  return {
    input: (activity, payload) => look(`the input of ${activity}`, payload, mostInputBytes),
    output: (activity, result) => look(`the output of ${activity}`, result, mostOutputBytes),
    status: (status) => look('a custom status', status, mostStatusBytes),
    leases: (left) => {
      if (left.length > 0) violations.add(`I18: ${left.join(', ')} still holds lanes`);
    },
    violations: () => [...violations],
  };
}
