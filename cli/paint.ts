import type { RunState } from './api.ts';

/** Puts colour on text, or leaves it alone. */
export interface Painter {
  dim(text: string): string;
  /** Green for a run that is well, yellow for one that waits or ended early, red for one that broke. */
  state(state: RunState, text: string): string;
}

const stateColors: Readonly<Record<RunState, number>> = {
  queued: 36,
  opening: 36,
  indexing: 36,
  running: 36,
  waiting: 33,
  paused: 33,
  closing: 36,
  completed: 32,
  stopped: 33,
  stalled: 33,
  cancelled: 33,
  failed: 31,
  inconsistent: 31,
};

export function paint(hasColor: boolean): Painter {
  const wrap = (code: number, text: string) => (hasColor ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    dim: (text) => wrap(2, text),
    state: (state, text) => wrap(stateColors[state], text),
  };
}
