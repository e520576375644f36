import type { ContainerClient } from '@azure/storage-blob';
import { createLasting, type Lasting } from './lasting.ts';
import { createLaneMarks, createStopMarks, type LaneMarks, type StopMarks } from './marks.ts';
import { createParts, type Parts } from './parts.ts';
import { createResults, type Results } from './results.ts';
import { createRunFiles, type RunFiles } from './run-files.ts';

/** The truth about rows, in blob storage. Everything written here is safe to write again. */
export interface Ledger extends RunFiles, Parts, LaneMarks, StopMarks, Results, Lasting {}

export const createLedger = (container: ContainerClient): Ledger => ({
  ...createRunFiles(container),
  ...createParts(container),
  ...createLaneMarks(container),
  ...createStopMarks(container),
  ...createResults(container),
  ...createLasting(container),
});
