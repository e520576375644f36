/** Small numbers for rows; those of rows that were never marked are 0. A byte a row, because rows may be many millions. */
export interface RowMarks {
  readonly of: (row: number) => number;
  readonly mark: (row: number, mark: number) => void;
}

export function createRowMarks(): RowMarks {
  let marks = new Uint8Array(1_024);
  return {
    of: (row) => marks[row] ?? 0,
    mark(row, mark) {
      if (row >= marks.length) {
        const grown = new Uint8Array(2 ** Math.ceil(Math.log2(row + 1)));
        grown.set(marks);
        marks = grown;
      }
      marks[row] = mark;
    },
  };
}
