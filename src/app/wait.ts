import { JobNotFoundError, UnavailableError } from "../domain/errors.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import type { Trouble } from "../ports/queue.ts";

/** Looks in a row that may find no job: after Redis lost data, its runner brings it back within two heartbeats. */
const MISSES = 10;

/** How to wait. */
export interface WaitOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** The longest pause between two looks, milliseconds. */
  readonly everyMs?: number;
  /** Looks also whenever the job has written something. */
  readonly output?: boolean;
  /** Called at each look that found Redis unreachable; the waiting goes on. */
  readonly onOutage?: (error: UnavailableError) => void | Promise<void>;
}

/** Whether a trouble with Redis goes away without anybody changing a setting. */
export function passes(error: UnavailableError & Partial<Trouble>): boolean {
  return error.condition !== "refused" && error.condition !== "unfit";
}

async function* wakeUps(store: JobStore, id: string, options: WaitOptions): AsyncGenerator<void> {
  yield;
  if (!options.signal.aborted) yield* store.changes(id, options.everyMs ?? 2_000, options.signal, options.output);
}

/**
 * Looks at a job each time that something happened to it, until it has ended. Once it was seen, neither an outage of
 * Redis nor a loss of its data ends the watch; only the signal does.
 *
 * @param look Called with the job at each look, before its end is judged.
 * @returns The job as it ended; `null` when the signal came first.
 * @throws {JobNotFoundError} There is no such job, or it left Redis for good.
 * @throws {UnavailableError} Redis cannot be reached at the first look, or refuses us.
 */
export async function watchJob(
  store: JobStore,
  id: string,
  options: WaitOptions & { readonly poll?: (job: StoredJob) => Promise<void> },
): Promise<StoredJob | null> {
  let seen = false;
  let misses = 0;
  for await (const _ of wakeUps(store, id, options)) {
    if (options.signal.aborted) return null;
    try {
      const job = await store.read(id);
      if (job) {
        seen = true;
        misses = 0;
        await options.poll?.(job);
        if (isFinal(job.fields.status ?? "")) return job;
      } else if (!seen || ++misses > MISSES) {
        throw new JobNotFoundError(
          `Cannot wait for job ${JSON.stringify(id)}: ${
            seen ? "it has left Redis" : "no job of this namespace has that id"
          }`,
        );
      }
    } catch (error) {
      if (!seen || !(error instanceof UnavailableError) || !passes(error)) throw error;
      await options.onOutage?.(error);
    }
  }
  return null;
}

/**
 * Waits for the end of jobs. It looks at one after the other: the last one to end decides how long it takes, and one
 * connection is enough for any number.
 *
 * @param onEnd Called for each job, in the order of `ids`.
 * @returns Whether all have ended; `false`: the signal came first.
 */
export async function waitForJobs(
  store: JobStore,
  ids: readonly string[],
  options: WaitOptions & { readonly onEnd: (job: StoredJob) => Promise<void> },
): Promise<boolean> {
  for (const id of ids) {
    const job = await watchJob(store, id, options);
    if (!job) return false;
    await options.onEnd(job);
  }
  return true;
}
