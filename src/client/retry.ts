import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import type { JobStore, RetryReply } from "../ports/job_store.ts";
import { changeJobs, type LeftAlone } from "./change_jobs.ts";
import type { Filter } from "./selection.ts";
import type { SelectedJob } from "./select_jobs.ts";

/**
 * Result of the retry of a job; one that has not ended, or would not start, is left unchanged.
 *
 * ```ts no-eval
 * import { Client, type Retried } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const retried: Retried = await client.retry("7");
 * if (retried.result === "blocked") console.error(`retry ${retried.after} first`);
 * ```
 */
export type Retried =
  | { readonly result: "queued" }
  /** It will be queued when the jobs `after` have met its conditions. */
  | { readonly result: "waits"; readonly after: readonly string[] }
  /** The job `after`, which must have finished or ended first, has ended with `error` or does not exist. */
  | { readonly result: "blocked"; readonly after: string; readonly state: "error" | "missing" }
  | { readonly result: "not_ended"; readonly status: string };

/**
 * Queues an ended job for a new attempt.
 *
 * @param store Redis.
 * @param id Complete id.
 * @param options `skipped`: the job was skipped; when it would be again, its error names the reason of now.
 * @throws {JobNotFoundError} There is no such job.
 * @throws {InvalidInputError} The stored job names no runner, or its payload is lost.
 */
export async function retryJob(
  store: JobStore,
  id: string,
  options: { readonly skipped?: boolean } = {},
): Promise<Retried> {
  const reply = await store.retry(id, options);
  switch (reply.type) {
    case "OK":
      return { result: "queued" };
    case "WAITS":
      return { result: "waits", after: reply.after };
    case "NEVER":
      return { result: "blocked", after: reply.after, state: reply.failed ? "error" : "missing" };
    case "ALIVE":
      return { result: "not_ended", status: reply.status };
    case "MISSING":
      throw new JobNotFoundError(`Cannot retry job ${JSON.stringify(id)}: no job of this namespace has that id`);
    case "EMPTY":
      throw new InvalidInputError(
        `Cannot retry job ${JSON.stringify(id)}: its payload is gone, as Redis had lost the job; submit it again`,
      );
    case "NOWHERE":
      throw new InvalidInputError(
        `Cannot retry job ${JSON.stringify(id)}: it names no runner and none has run it; set its field runner in Redis`,
      );
  }
}

/**
 * Result of a retry of one among many. `blocked`: a job that must have finished first has failed or is gone.
 * `no_payload`: Redis had lost the job, and only its end was restored. `no_runner`: it names none and none has run it.
 *
 * ```ts no-eval
 * import { type Changes, Client, type RetriedOne } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const counts: Changes<RetriedOne> = await client.retryAll({ outcomes: ["lost"] });
 * console.log(counts.queued ?? 0);
 * ```
 */
export type RetriedOne = "queued" | "waits" | "blocked" | "not_ended" | "no_payload" | "no_runner";

const RESULTS: Readonly<Record<RetryReply["type"], RetriedOne | LeftAlone>> = {
  OK: "queued",
  WAITS: "waits",
  NEVER: "blocked",
  ALIVE: "not_ended",
  EMPTY: "no_payload",
  NOWHERE: "no_runner",
  MISSING: "gone",
};

/** How to retry selected jobs. */
export interface RetryAll {
  readonly filter: Filter;
  /** Called for each job. */
  readonly onResult: (id: string, result: RetriedOne | LeftAlone) => void | Promise<void>;
}

/** Queues selected jobs for a new attempt. A job that waits for others of them follows these. */
export async function retryJobs(
  store: JobStore,
  jobs: readonly SelectedJob[],
  { filter, onResult }: RetryAll,
): Promise<void> {
  const all = new Set(jobs.map(({ id }) => id));
  for (let open = jobs;;) {
    const postponed: SelectedJob[] = [];
    /** By id of a blocked job, the one that blocks it. */
    const blockers = new Map<string, string>();
    await changeJobs<RetriedOne>(store, open, {
      filter,
      change: async ({ id, runner }) => {
        const reply = await store.retry(id, { runner });
        if (reply.type === "NEVER") blockers.set(id, reply.after);
        return RESULTS[reply.type];
      },
      onResult: (id, result) => {
        if (result !== "blocked" || !all.has(blockers.get(id)!)) return onResult(id, result);
        postponed.push({ id, status: "", queue: null });
      },
    });
    if (postponed.length === 0) return;
    if (postponed.length === open.length) {
      for (const { id } of postponed) await onResult(id, "blocked");
      return;
    }
    open = postponed;
  }
}
