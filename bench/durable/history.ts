import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { names } from '../../src/names.ts';

/** What the embedded host keeps of a run, read from its store once it has ended. */
export interface RunHistory {
  /** Where each wave of all lanes began and how long its box was to be. */
  readonly waves: readonly Wave[];
  readonly turns: readonly Turn[];
}

export interface Wave {
  readonly beganAtMs: number;
  readonly boxMs: number;
  readonly lanes: number;
}

/** One turn of the orchestrator with the events it added. */
export interface Turn {
  readonly atMs: number;
  readonly events: number;
  readonly activities: number;
  /** Calls and signals to the governor. */
  readonly messages: number;
}

interface HistoryEvent {
  readonly EventType: number;
  readonly Timestamp: string;
  readonly Name?: string;
  readonly Input?: string;
}

/** github.com/Azure/durabletask, EventType.cs */
const [taskScheduled, eventSent] = [4, 14];

export function readHistory(hostDataDir: string, runId: string): RunHistory {
  const database = new DatabaseSync(join(hostDataDir, 'durable.sqlite'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT events FROM history WHERE instanceId = ? ORDER BY seq').all(runId);
    const turns = rows.map(({ events }) => JSON.parse(String(events)) as HistoryEvent[]);
    return { waves: turns.flatMap(waveOf), turns: turns.map(turnOf) };
  } finally {
    database.close();
  }
}

function turnOf(events: readonly HistoryEvent[]): Turn {
  const countOf = (type: number) => events.filter(({ EventType }) => EventType === type).length;
  return {
    atMs: timeOf(events[0]),
    events: events.length,
    activities: countOf(taskScheduled),
    messages: countOf(eventSent),
  };
}

const timeOf = (event: HistoryEvent | undefined): number => Date.parse(event?.Timestamp ?? '');

function waveOf(events: readonly HistoryEvent[]): Wave[] {
  const lanes = events.filter(({ EventType, Name }) => EventType === taskScheduled && Name === names.sendRows);
  const [first] = lanes;
  if (first === undefined) return [];
  const { boxEndsAt } = inputOf(first);
  const beganAtMs = timeOf(first);
  return [{ beganAtMs, boxMs: Date.parse(boxEndsAt) - beganAtMs, lanes: lanes.length }];
}

/** Durable hands an activity its input in a list of one. */
function inputOf({ Input = '{}' }: HistoryEvent): { readonly boxEndsAt: string } {
  const input = JSON.parse(Input) as { boxEndsAt: string } | [{ boxEndsAt: string }];
  return Array.isArray(input) ? input[0] : input;
}
