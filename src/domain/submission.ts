/**
 * What a user may say about a job that is to be queued; times in seconds.
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
  /** Id chosen by the user; without it one is made. The same id twice is queued once. */
  readonly id?: string;
  /** Who submits. */
  readonly callerId?: string;
  /** What the job belongs to. */
  readonly contextId?: string;
  /** Seconds until the job is stopped. */
  readonly timeout?: number;
  /** Environment of the job. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory on the host that runs it. */
  readonly cwd?: string;
  /** A line for people. */
  readonly title?: string;
  /** Labels for filters. */
  readonly labels?: Readonly<Record<string, string>>;
  /** `high` runs next, `normal` after those queued before; `low` when nothing else waits. */
  readonly priority?: Priority;
  /** Unix time in milliseconds before which it does not start. */
  readonly notBeforeMs?: number;
  /** Id of a job that must have finished first. */
  readonly after?: string;
  /** Further attempts when it fails. */
  readonly retries?: number;
  /** Seconds between attempts: doubled from `from` up to `to`. */
  readonly backoff?: { readonly from: number; readonly to: number };
  /** Seconds that Redis keeps the ended job; 0 for ever. */
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
