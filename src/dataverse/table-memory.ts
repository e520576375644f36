import type { Operation } from '../plan/outcome.ts';
import { createCostMeter } from './send-costs.ts';
import type { CostMeter } from './send-costs.ts';
import type { BulkMessage } from './table.ts';

/** What sending has taught about one table. */
export interface TableLesson {
  /** Messages that the table refused although its metadata promise them. */
  readonly refused: ReadonlySet<BulkMessage>;
  refuse(message: BulkMessage): void;
  meter(operation: Operation): CostMeter;
  /**
   * Of an elastic table: the token of the latest write. A read that shows it sees that write
   * (learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables).
   */
  sessionToken: string | undefined;
}

/** Lessons by logical name; they last as long as the process. */
export interface TableMemory {
  of(logicalName: string): TableLesson;
}

export function createTableMemory(): TableMemory {
  const lessons = new Map<string, TableLesson>();
  return {
    of(logicalName) {
      const lesson = lessons.get(logicalName) ?? createLesson();
      lessons.set(logicalName, lesson);
      return lesson;
    },
  };
}

function createLesson(): TableLesson {
  const refused = new Set<BulkMessage>();
  const meters = new Map<Operation, CostMeter>();
  return {
    refused,
    refuse: (message) => void refused.add(message),
    meter(operation) {
      const meter = meters.get(operation) ?? createCostMeter();
      meters.set(operation, meter);
      return meter;
    },
    sessionToken: undefined,
  };
}
