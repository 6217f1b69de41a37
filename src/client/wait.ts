import { JobNotFoundError, UnavailableError } from "../domain/errors.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import type { Trouble } from "../ports/queue.ts";

/** Most consecutive polls that may find no job: after Redis lost data, its runner restores it within two heartbeats. */
export const MISSES = 10;

/** Options of waiting for a job. */
export interface WaitOptions {
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Longest pause between two polls, milliseconds; default 2,000. */
  readonly everyMs?: number;
  /** Polls also whenever the job has written output. */
  readonly output?: boolean;
  /** Called at each poll that finds Redis unreachable; the wait goes on. */
  readonly onOutage?: (error: UnavailableError) => void | Promise<void>;
}

/** Returns whether an outage of Redis is temporary, that is, ends without a change of settings. */
export function passes(error: UnavailableError & Partial<Trouble>): boolean {
  return error.condition !== "refused" && error.condition !== "unfit";
}

/** Yields at once, and then whenever a job or a batch may have changed. */
export async function* wakeUps(store: JobStore, id: string, options: WaitOptions): AsyncGenerator<void> {
  yield;
  if (!options.signal.aborted) yield* store.changes(id, options.everyMs ?? 2_000, options.signal, options.output);
}

/**
 * Polls a job after each change until it has ended. Once the job was found, neither an outage of Redis nor a loss of
 * its data ends the watch; only the signal does.
 *
 * @param options `poll` is called with the job at each poll, before the check whether it has ended.
 * @returns The ended job; `null` when the signal aborted first.
 * @throws {JobNotFoundError} There is no such job, or Redis no longer has it.
 * @throws {UnavailableError} Redis cannot be reached at the first poll, or refuses us.
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
 * Waits for the end of jobs, one after the other. The total time depends only on the last one to end, and one
 * connection is enough for any number.
 *
 * @param options `onEnd` is called for each job, in the order of `ids`. `waitForOther` waits for an id that is none of
 * a job, and returns `null` when the signal aborted first, or `false` when there is nothing with this id.
 * @returns Whether all have ended; `false` when the signal aborted first.
 */
export async function waitForJobs(
  store: JobStore,
  ids: readonly string[],
  options: WaitOptions & {
    readonly onEnd: (job: StoredJob) => Promise<void>;
    readonly waitForOther?: (id: string) => Promise<boolean | null>;
  },
): Promise<boolean> {
  for (const id of ids) {
    let job: StoredJob | null;
    try {
      job = await watchJob(store, id, options);
    } catch (error) {
      const other = error instanceof JobNotFoundError ? await options.waitForOther?.(id) : undefined;
      if (other === null) return false;
      if (other) continue;
      throw error;
    }
    if (!job) return false;
    await options.onEnd(job);
  }
  return true;
}
