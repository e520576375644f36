/** What one process of the bench is to send. */
export interface Job {
  readonly way: 'engine' | 'plain';
  readonly format: 'csv' | 'jsonl';
  readonly file: string;
  /** Of the sink. */
  readonly url: string;
  readonly rows: number;
  /** Sent before the clock runs, so that the compiler has seen the code. */
  readonly warmUpRows: number;
  readonly rowsPerRequest: number;
  /** Requests in flight. */
  readonly lanes: number;
  /** As long as real ones are. */
  readonly token: string;
}

export interface Measured {
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** Of the thread that does the work: what a core does that nothing else runs on. */
  readonly threadMicrosecondsPerRow: number;
  /** Of all threads: those that collect garbage and compile as well. */
  readonly cpuMicrosecondsPerRow: number;
  /** Longest time between two turns of the event loop, less the millisecond between two looks. */
  readonly longestBlockMs: number;
  /** Most CPU time the thread used between two looks: a block without the time in which other processes had its core. */
  readonly longestBusyMs: number;
  /** Of the process, from its start. */
  readonly peakMegabytes: number;
}
