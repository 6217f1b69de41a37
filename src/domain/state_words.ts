/** What people read for the `status` of a job. Programs get the status as it stands in Redis. */
const WORDS: Readonly<Record<string, string>> = {
  dispatched: "queued",
  started: "running",
  finished: "finished",
  error: "failed",
};

/** Words by which jobs are chosen: those of the screen, and those of Redis. */
export const STATE_NAMES = [
  ...["queued", "running", "waiting", "finished", "failed"],
  ...["dispatched", "started", "error"],
] as const;

/** The word for a status; of a foreign program's own word, that one. */
export function stateWord(status: string): string {
  return Object.hasOwn(WORDS, status) ? WORDS[status] : status;
}

/**
 * The status behind a word of `STATE_NAMES`; `waiting` is no status of its own: such a job runs, and waits for input.
 */
export function statusOf(name: string): string {
  if (name === "waiting") return "started";
  return Object.entries(WORDS).find(([, word]) => word === name)?.[0] ?? name;
}
