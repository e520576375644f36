/** Bytes of one CSV cell or of one text value of a JSON record. */
export const fieldLimitBytes = 1024 * 1024;

/** Bytes of one record, blank lines before it included. */
export const recordLimitBytes = 4 * 1024 * 1024;

/** Columns of a CSV header, members of a JSON record. */
export const columnLimit = 1000;

/** Characters of a column's name; a longer one is no name but a line read with the wrong delimiter or no header at all. */
export const columnNameLimit = 400;

/** Levels of objects and arrays in a JSON record, the record itself included. */
export const nestingLimit = 16;

/** Faults of a file's structure that are collected before the rest is left unsaid. */
export const faultLimit = 20;

/** Bytes of a slice, unless one record alone is longer. */
export const sliceLimitBytes = 4 * 1024 * 1024;
