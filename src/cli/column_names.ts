/** Columns that a list of jobs can have. */
export const COLUMN_NAMES = [
  ...["id", "status", "exit", "runner", "executor", "host", "created", "started", "ended", "took", "try", "caller"],
  ...["context", "labels", "error", "text"],
] as const;

/** Columns that it has when nobody asks for others. */
export const DEFAULT_COLUMNS: readonly string[] = [
  ...["id", "status", "exit", "runner", "executor", "host", "created", "took", "try", "text"],
];
