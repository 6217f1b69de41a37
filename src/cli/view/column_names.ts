/** Columns available in a job list. */
export const COLUMN_NAMES = [
  ...["id", "status", "exit", "runner", "executor", "host", "created", "started", "ended", "took", "try", "caller"],
  ...["context", "labels", "error", "text"],
] as const;

/** Columns of a job list by default. */
export const DEFAULT_COLUMNS: readonly string[] = [
  ...["id", "status", "exit", "runner", "executor", "host", "created", "took", "try", "text"],
];
