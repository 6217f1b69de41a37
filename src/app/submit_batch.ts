import type { JobStore } from "../ports/job_store.ts";
import { type ReadySubmission, submitJob, type Submitted } from "./submit.ts";

/** Submissions that are under way at the same time. */
const SIDE_BY_SIDE = 256;

/**
 * Queues many jobs, many at a time. A job that waits for another one of the batch is queued after that one.
 *
 * @param submissions A job may only wait for one that stands before it.
 * @param onSubmitted Called for each job in the order of `submissions`.
 * @throws {UnavailableError} Redis went away; every job for which `onSubmitted` was called is queued, the fate of at most 256
 * after them is unknown.
 */
export async function submitBatch(
  store: JobStore,
  submissions: readonly ReadySubmission[],
  onSubmitted: (submitted: Submitted) => Promise<void>,
): Promise<void> {
  const underWay: Promise<Submitted>[] = [];
  const awaited = new Set(submissions.map(({ after }) => after));
  const byId = new Map<string, Promise<Submitted>>();
  const report = async () => {
    const first = await underWay[0];
    underWay.shift();
    await onSubmitted(first);
  };
  const submitOne = async (submission: ReadySubmission) => {
    if (submission.after !== undefined) await byId.get(submission.after);
    return await submitJob(store, submission);
  };
  try {
    for (const submission of submissions) {
      if (underWay.length === SIDE_BY_SIDE) await report();
      const promise = submitOne(submission);
      // it is looked at in its turn; until then a failure is not one that nobody handles
      promise.catch(() => {});
      if (awaited.has(submission.id)) byId.set(submission.id, promise);
      underWay.push(promise);
    }
    while (underWay.length > 0) await report();
  } finally {
    await Promise.allSettled(underWay);
  }
}
