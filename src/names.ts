/** Registered names, in one place: histories of runs in flight refer to them, so a change of meaning takes a new name. */
export const names = {
  bulkRun: 'bulkRun',
  governor: 'governor',
  openRun: 'openRun',
  indexSource: 'indexSource',
  sendRows: 'sendRows',
  closeRun: 'closeRun',
  spoolRows: 'spoolRows',
  readBooks: 'readBooks',
  settleRun: 'settleRun',
} as const;

/** Operations of the durable entity `governor`; its key is the connection's name. */
export const governorOperations = { lease: 'lease', release: 'release' } as const;

/** External event that wakes a waiting run to see that it was cancelled. */
export const cancelEvent = 'cancel';
