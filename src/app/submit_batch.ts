import { QueueFullError } from "../domain/errors.ts";
import type { JobStore, SubmitCondition } from "../ports/job_store.ts";
import { type ReadySubmission, submitJob, type Submitted } from "./submit.ts";

/** Submissions that are under way at the same time. */
const SIDE_BY_SIDE = 256;

/** What to do on the way. */
export interface BatchOptions extends SubmitCondition {
  /** Called for each job in the order of the submissions. */
  readonly onSubmitted: (submitted: Submitted) => Promise<void>;
}

/**
 * Queues many jobs, many at a time. A job that waits for another one of the batch is queued after that one.
 *
 * @param submissions A job may only wait for one that stands before it.
 * @throws {UnavailableError} Redis went away; every job for which `onSubmitted` was called is queued, the fate of at most 256
 * after them is unknown.
 * @throws {QueueFullError} Too many jobs wait for a runner already; those for which `onSubmitted` was called are queued, and no
 * others.
 */
export async function submitBatch(
  store: JobStore,
  submissions: readonly ReadySubmission[],
  options: BatchOptions,
): Promise<void> {
  const underWay: Promise<Submitted | null>[] = [];
  const awaited = new Set(submissions.map(({ after }) => after));
  const byId = new Map<string, Promise<unknown>>();
  const refusals: QueueFullError[] = [];
  const report = async () => {
    const first = await underWay[0];
    underWay.shift();
    if (first) await options.onSubmitted(first);
  };
  const submitOne = async (submission: ReadySubmission) => {
    if (submission.after !== undefined) await byId.get(submission.after);
    if (refusals.length > 0) return null;
    try {
      return await submitJob(store, submission, options);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      refusals.push(error);
      return null;
    }
  };
  try {
    for (const submission of submissions) {
      if (underWay.length === SIDE_BY_SIDE) await report();
      if (refusals.length > 0) break;
      const promise = submitOne(submission);
      // it is looked at in its turn; until then a failure is not one that nobody handles
      promise.catch(() => {});
      if (awaited.has(submission.id)) byId.set(submission.id, promise);
      underWay.push(promise);
    }
    while (underWay.length > 0) await report();
    if (refusals.length > 0) throw refusals[0];
  } finally {
    await Promise.allSettled(underWay);
  }
}
