import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { EntityRow, InstanceRow, MessageRow, RuntimeStatus, ScheduleRow, TaskRow, TimerRow } from './rows.ts';

export type NewMessage = Omit<MessageRow, 'id'>;
export type NewTask = Omit<TaskRow, 'id'>;

export interface InstanceQuery {
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  readonly statuses?: readonly RuntimeStatus[] | undefined;
  readonly idPrefix?: string | undefined;
  /** Continue behind this instance. */
  readonly after?: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

const instanceColumns =
  'id, name, version, executionId, status, input, output, customStatus, parentId, parentExecutionId, parentName, parentTaskId, createdAt, updatedAt';

/**
 * The durable state. Every method is synchronous and cheap; whoever changes several things at once wraps them in `transaction`.
 * Nothing here knows what the rows mean.
 */
export class Store {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** All or nothing, and nothing of it is lost by a crash of the process once this returned. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  instance(id: string): InstanceRow | undefined {
    return this.#get<InstanceRow>(`SELECT ${instanceColumns} FROM instances WHERE id = ?`, id);
  }

  putInstance(row: InstanceRow): void {
    const values = instanceColumns.split(', ').map((column) => row[column as keyof InstanceRow]);
    this.#run(
      `INSERT OR REPLACE INTO instances (${instanceColumns}) VALUES (${values.map(() => '?').join(', ')})`,
      ...values,
    );
  }

  instances(query: InstanceQuery): InstanceRow[] {
    const conditions: string[] = [];
    const values: SQLInputValue[] = [];
    const add = (condition: string, ...parameters: readonly SQLInputValue[]) => {
      conditions.push(condition);
      values.push(...parameters);
    };
    if (query.createdFrom !== undefined) add('createdAt >= ?', query.createdFrom);
    if (query.createdTo !== undefined) add('createdAt <= ?', query.createdTo);
    if (query.statuses && query.statuses.length > 0)
      add(`status IN (${query.statuses.map(() => '?').join(', ')})`, ...query.statuses);
    if (query.idPrefix !== undefined) add('substr(id, 1, ?) = ?', query.idPrefix.length, query.idPrefix);
    if (query.after) add('(createdAt, id) > (?, ?)', query.after.createdAt, query.after.id);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    return this.#all<InstanceRow>(
      `SELECT ${instanceColumns} FROM instances ${where} ORDER BY createdAt, id LIMIT ?`,
      ...values,
      query.limit,
    );
  }

  /** Removes an instance with everything that belongs to it. */
  deleteInstance(id: string): void {
    this.clearExecution(id);
    this.#run('DELETE FROM messages WHERE instanceId = ?', id);
    this.#run('DELETE FROM instances WHERE id = ?', id);
  }

  /** Removes what belongs to the current execution of an instance: history, tasks, timers. */
  clearExecution(id: string): void {
    this.#run('DELETE FROM history WHERE instanceId = ?', id);
    this.#run('DELETE FROM tasks WHERE instanceId = ?', id);
    this.clearTimers(id);
  }

  clearTimers(id: string): void {
    this.#run('DELETE FROM timers WHERE instanceId = ?', id);
  }

  /** JSON arrays of events, one or more per turn, oldest first. */
  history(instanceId: string): string[] {
    return this.#all<{ events: string }>(
      'SELECT events FROM history WHERE instanceId = ? ORDER BY seq',
      instanceId,
    ).map((row) => row.events);
  }

  /** Adds events of a turn; `seq` is the number of events before them. */
  appendHistory(instanceId: string, seq: number, events: string): void {
    this.#run('INSERT INTO history (instanceId, seq, events) VALUES (?, ?, ?)', instanceId, seq, events);
  }

  messages(instanceId: string): MessageRow[] {
    return this.#all<MessageRow>(
      'SELECT id, instanceId, executionId, event FROM messages WHERE instanceId = ? ORDER BY id',
      instanceId,
    );
  }

  instancesWithMessages(): string[] {
    return this.#all<{ instanceId: string }>('SELECT DISTINCT instanceId FROM messages').map((row) => row.instanceId);
  }

  addMessage(message: NewMessage): void {
    this.#run(
      'INSERT INTO messages (instanceId, executionId, event) VALUES (?, ?, ?)',
      message.instanceId,
      message.executionId,
      message.event,
    );
  }

  deleteMessage(id: number): void {
    this.#run('DELETE FROM messages WHERE id = ?', id);
  }

  deleteMessagesUpTo(instanceId: string, lastId: number): void {
    this.#run('DELETE FROM messages WHERE instanceId = ? AND id <= ?', instanceId, lastId);
  }

  tasks(): TaskRow[] {
    return this.#all<TaskRow>('SELECT id, instanceId, executionId, taskId, name, input FROM tasks ORDER BY id');
  }

  addTask(task: NewTask): TaskRow {
    const { instanceId, executionId, taskId, name, input } = task;
    const id = this.#run(
      'INSERT INTO tasks (instanceId, executionId, taskId, name, input) VALUES (?, ?, ?, ?, ?)',
      instanceId,
      executionId,
      taskId,
      name,
      input,
    );
    return { ...task, id: Number(id.lastInsertRowid) };
  }

  /** False if the task is gone: its instance was purged, replaced or continued as new. */
  deleteTask(id: number): boolean {
    return this.#run('DELETE FROM tasks WHERE id = ?', id).changes === 1;
  }

  addTimer(timer: TimerRow): void {
    this.#run(
      'INSERT OR REPLACE INTO timers (instanceId, executionId, timerId, fireAt) VALUES (?, ?, ?, ?)',
      timer.instanceId,
      timer.executionId,
      timer.timerId,
      timer.fireAt,
    );
  }

  nextTimerAt(): number | undefined {
    return this.#get<{ fireAt: number | null }>('SELECT min(fireAt) AS fireAt FROM timers')?.fireAt ?? undefined;
  }

  /** Takes due timers out, the earliest first. */
  takeDueTimers(now: number): TimerRow[] {
    const due = this.#all<TimerRow>(
      'SELECT instanceId, executionId, timerId, fireAt FROM timers WHERE fireAt <= ? ORDER BY fireAt, timerId',
      now,
    );
    if (due.length > 0) this.#run('DELETE FROM timers WHERE fireAt <= ?', now);
    return due;
  }

  entity(id: string): EntityRow | undefined {
    return this.#get<EntityRow>(
      'SELECT id, name, key, present, state, lockOwner, updatedAt FROM entities WHERE id = ?',
      id,
    );
  }

  entities(filter: {
    readonly name?: string | undefined;
    readonly from?: number | undefined;
    readonly to?: number | undefined;
    readonly after: string;
    readonly limit: number;
  }): EntityRow[] {
    return this.#all<EntityRow>(
      `SELECT id, name, key, present, state, lockOwner, updatedAt FROM entities
       WHERE present = 1 AND (? IS NULL OR name = ?) AND updatedAt >= ? AND updatedAt <= ? AND id > ? ORDER BY id LIMIT ?`,
      filter.name ?? null,
      filter.name ?? null,
      filter.from ?? 0,
      filter.to ?? Number.MAX_SAFE_INTEGER,
      filter.after,
      filter.limit,
    );
  }

  putEntity(row: EntityRow): void {
    const { id, name, key, present, state, lockOwner, updatedAt } = row;
    this.#run(
      'INSERT OR REPLACE INTO entities (id, name, key, present, state, lockOwner, updatedAt) VALUES (?, ?, ?, ?, ?, ?, ?)',
      id,
      name,
      key,
      present,
      state,
      lockOwner,
      updatedAt,
    );
  }

  deleteEntity(id: string): void {
    this.#run('DELETE FROM entities WHERE id = ?', id);
  }

  schedule(name: string): ScheduleRow | undefined {
    return this.#get<ScheduleRow>('SELECT name, schedule, last, next, updated FROM schedules WHERE name = ?', name);
  }

  putSchedule(row: ScheduleRow): void {
    this.#run(
      'INSERT OR REPLACE INTO schedules (name, schedule, last, next, updated) VALUES (?, ?, ?, ?, ?)',
      row.name,
      row.schedule,
      row.last,
      row.next,
      row.updated,
    );
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: readonly SQLInputValue[]) {
    return this.#prepare(sql).run(...values);
  }

  /** The row type is the caller's promise: it names the columns it selects. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- rows come untyped from SQLite
  #get<Row>(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  #all<Row>(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }
}
