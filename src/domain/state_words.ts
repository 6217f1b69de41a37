/** Words shown to people for the `status` of a job. Programs get the status as stored in Redis. */
const WORDS: Readonly<Record<string, string>> = {
  dispatched: "queued",
  started: "running",
  finished: "finished",
  error: "failed",
};

/** Words that select jobs by state: those shown to people, and those stored in Redis. */
export const STATE_NAMES = [
  ...["queued", "running", "waiting", "finished", "failed", "skipped"],
  ...["dispatched", "started", "error"],
] as const;

/** Returns the word shown for a status; a status that another program invented is returned unchanged. */
export function stateWord(status: string): string {
  return Object.hasOwn(WORDS, status) ? WORDS[status] : status;
}

/**
 * Returns the status that a word of `STATE_NAMES` stands for. `waiting` and `skipped` are no statuses of their own:
 * such a job is running and waits for input, or has failed because of another one before it started.
 */
export function statusOf(name: string): string {
  if (name === "waiting") return "started";
  if (name === "skipped") return "error";
  return Object.entries(WORDS).find(([, word]) => word === name)?.[0] ?? name;
}
