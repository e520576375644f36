/** Ways to create rows in an environment. */
export const clientNames = ['sequential', 'singles', 'batches', 'bulk', 'engine', 'durable'] as const;
export type ClientName = (typeof clientNames)[number];

/** What a client in a process of its own is to do. */
export interface Job {
  readonly client: ClientName;
  readonly emulatorUrl: string;
  /** Requests in flight of a client with a fixed pool. */
  readonly poolSize: number;
  /** A client that sends row by row begins no request later than this. */
  readonly seconds: number;
  /** Rows there are. */
  readonly rows: number;
  readonly spec: object;
}

export interface Done {
  readonly rows: number;
  /** From the beginning of the job to its end. */
  readonly seconds: number;
}
