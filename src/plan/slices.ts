/** Slices are made so small that each lane gets about this many, as far as the bounds below allow; then no lane drags behind at the end. */
const slicesPerLane = 20;
export const leastSliceRows = 100;
const mostSliceRows = 1_000;

/** Rows of a slice. A request never spans two slices, so a slice holds whole requests. */
export function sliceRowsFor(rowCount: number, lanes: number, rowsPerRequest: number): number {
  const wanted = Math.min(mostSliceRows, Math.max(leastSliceRows, rowCount / (lanes * slicesPerLane)));
  return Math.ceil(wanted / rowsPerRequest) * rowsPerRequest;
}
