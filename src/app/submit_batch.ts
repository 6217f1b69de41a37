import { QueueFullError } from "../domain/errors.ts";
import type { JobStore, SubmitCondition } from "../ports/job_store.ts";
import { type ReadySubmission, submitJob, type Submitted } from "./submit.ts";

/** Submissions that are under way at the same time. */
const SIDE_BY_SIDE = 256;

/** What to do on the way. */
export interface BatchOptions extends SubmitCondition {
  /** Called for all jobs in the order of the submissions, for several at a time. */
  readonly onSubmitted: (submitted: readonly Submitted[]) => Promise<void>;
}

/** A submission on its way. */
interface Flight {
  readonly promise: Promise<Submitted | null>;
  /** What came of it; `undefined` as long as nothing has. */
  result: Submitted | null | undefined;
}

/**
 * Queues many jobs, many at a time. A job that waits for another one of the batch is queued after that one.
 *
 * @param submissions A job may only wait for one that stands before it.
 * @throws {UnavailableError} Redis went away; every job for which `onSubmitted` was called is queued, the fate of at
 * most 256 after them is unknown.
 * @throws {QueueFullError} Too many jobs wait for a runner already; those for which `onSubmitted` was called are
 * queued, and no others.
 */
export async function submitBatch(
  store: JobStore,
  submissions: readonly ReadySubmission[],
  options: BatchOptions,
): Promise<void> {
  const underWay: Flight[] = [];
  const awaited = new Set(submissions.map(({ after }) => after));
  const byId = new Map<string, Promise<unknown>>();
  const refusals: QueueFullError[] = [];
  const report = async () => {
    await underWay[0].promise;
    const open = underWay.findIndex(({ result }) => result === undefined);
    const done = underWay.splice(0, open === -1 ? underWay.length : open).map(({ result }) => result);
    await options.onSubmitted(done.filter((submitted) => submitted != null));
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
      const flight: Flight = { promise: submitOne(submission), result: undefined };
      // it is looked at in its turn; until then a failure is not one that nobody handles
      flight.promise.then((result) => flight.result = result, () => {});
      if (awaited.has(submission.id)) byId.set(submission.id, flight.promise);
      underWay.push(flight);
    }
    while (underWay.length > 0) await report();
    if (refusals.length > 0) throw refusals[0];
  } finally {
    await Promise.allSettled(underWay.map(({ promise }) => promise));
  }
}
