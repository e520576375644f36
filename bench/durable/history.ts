import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { names } from '../../src/names.ts';

/** What the embedded host keeps of a run, read from its store once it has ended. */
export interface RunHistory {
  /** The waves that ended, in order. */
  readonly waves: readonly Wave[];
  readonly turns: readonly Turn[];
}

export interface Wave {
  readonly beganAtMs: number;
  /** When the next one began. */
  readonly endedAtMs: number;
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
}

/** github.com/Azure/durabletask, EventType.cs */
const [taskScheduled, eventSent] = [4, 14];

export function readHistory(hostDataDir: string, runId: string): RunHistory {
  const database = new DatabaseSync(join(hostDataDir, 'durable.sqlite'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT events FROM history WHERE instanceId = ? ORDER BY seq').all(runId);
    const turns = rows.map(({ events }) => JSON.parse(String(events)) as HistoryEvent[]);
    const begun = beginningsOf(turns);
    const waves = begun.slice(0, -1).map((wave, at) => ({ ...wave, endedAtMs: begun[at + 1]?.beganAtMs ?? 0 }));
    return { waves, turns: turns.map(turnOf) };
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

/** A wave begins with the first lanes after a call of the governor; lanes that set off later follow some that came back late. */
function beginningsOf(turns: readonly (readonly HistoryEvent[])[]): readonly Omit<Wave, 'endedAtMs'>[] {
  const begun: Omit<Wave, 'endedAtMs'>[] = [];
  let isGranted = false;
  for (const events of turns) {
    const lanes = events.filter(({ EventType, Name }) => EventType === taskScheduled && Name === names.sendRows);
    if (isGranted && lanes.length > 0) begun.push({ beganAtMs: timeOf(lanes[0]), lanes: lanes.length });
    isGranted = events.some(({ EventType }) => EventType === eventSent) || (isGranted && lanes.length === 0);
  }
  return begun;
}
