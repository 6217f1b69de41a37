/**
 * A job to be queued, as its submitter describes it; durations are in seconds.
 *
 * ```ts no-eval
 * import { type Submission, submit } from "@hero/runner";
 *
 * const nightly: Submission = {
 *   payload: "make report",
 *   runner: "build",
 *   executor: "tmux.reports",
 *   timeout: 3600,
 *   retries: 2,
 *   backoff: { from: 1, to: 300 },
 * };
 * await submit(nightly);
 * ```
 */
export interface Submission {
  /** Shell text. */
  readonly payload: string;
  /** Name of the runner, and so of the queue. */
  readonly runner: string;
  /** Executor string. */
  readonly executor: string;
  /** Id chosen by the submitter; generated when left out. Submitting the same id twice queues one job. */
  readonly id?: string;
  /** Identifies the submitter. */
  readonly callerId?: string;
  /** What the job belongs to. */
  readonly contextId?: string;
  /** Seconds after which a running attempt is stopped. */
  readonly timeout?: number;
  /** Environment of the job. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory on the host that runs it. */
  readonly cwd?: string;
  /** Title shown to people, one line. */
  readonly title?: string;
  /** Labels for filters, at most 16. */
  readonly labels?: Readonly<Record<string, string>>;
  /** `high` runs next, `normal` after the jobs queued before it, `low` when no other job waits. */
  readonly priority?: Priority;
  /** Earliest start, Unix time in milliseconds. */
  readonly notBeforeMs?: number;
  /** Id of a job that must have finished first, or several. When one of them fails, this job ends as skipped. */
  readonly after?: string | readonly string[];
  /** Id of a job that must have ended first, in any way, or several. */
  readonly afterEnd?: string | readonly string[];
  /** Keys of limits, at most 4: it runs only while each has a permit for it, whatever host it is on. */
  readonly limits?: readonly string[];
  /** Number of further attempts when it fails. */
  readonly retries?: number;
  /** Seconds between attempts: doubled from `from` up to `to`. */
  readonly backoff?: { readonly from: number; readonly to: number };
  /** Seconds that Redis keeps the ended job; 0 keeps it for ever. */
  readonly keep?: number;
}

/**
 * Order among the jobs of one queue.
 *
 * ```ts no-eval
 * import { type Priority, submit } from "@hero/runner";
 *
 * const priority: Priority = "high";
 * await submit({ payload: "make hotfix", priority });
 * ```
 */
export type Priority = "high" | "normal" | "low";

/** Returns one or more texts as a list. */
export function asList(texts: string | readonly string[] = []): readonly string[] {
  return typeof texts === "string" ? [texts] : texts;
}

/** Returns the ids of the jobs for which a submission waits. */
export function parentsOf({ after, afterEnd }: Submission): string[] {
  return [...new Set([...asList(after), ...asList(afterEnd)])];
}
