import type { JobStore, StoredJob } from "../ports/job_store.ts";
import { OutputReader, type ShowOptions } from "./output_reader.ts";
import { type WaitOptions, watchJob } from "./wait.ts";

/** Milliseconds between two polls for output: short enough to appear live to a person. */
const LIVE = 250;

/**
 * Follows the output of a job, live, in order and without repeating a byte. Bytes that no source has are reported
 * as a gap. Resolves when the job has ended and all of
 * its output was shown.
 *
 * @returns The ended job; `null` when the signal aborted first.
 * @throws {JobNotFoundError} There is no such job.
 */
export async function followJob(
  store: JobStore,
  id: string,
  options: WaitOptions & ShowOptions,
): Promise<StoredJob | null> {
  const reader = new OutputReader(store, id, options);
  try {
    return await watchJob(store, id, {
      ...options,
      everyMs: options.everyMs ?? LIVE,
      output: true,
      poll: (job) => reader.poll(job),
    });
  } finally {
    reader.close();
  }
}

/** Shows the output of a job that is available now. */
export async function showOutput(store: JobStore, job: StoredJob, options: ShowOptions): Promise<void> {
  const reader = new OutputReader(store, job.id, options);
  try {
    await reader.poll(job, true);
  } finally {
    reader.close();
  }
}
