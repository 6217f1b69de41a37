import { JobNotFoundError, QueueFullError } from "../domain/errors.ts";
import { parentsOf } from "../domain/submission.ts";
import type { JobStore, SubmitCondition } from "../ports/job_store.ts";
import { type ReadySubmission, submitJob, type Submitted } from "./submit.ts";

/** Most submissions that are in progress at the same time. */
const SIDE_BY_SIDE = 256;

/** Options of `submitJobs`. */
export interface SubmitJobsOptions extends SubmitCondition {
  /** Called for all jobs in the order of the submissions, for several at a time. */
  readonly onSubmitted: (submitted: readonly Submitted[]) => Promise<void>;
}

/** A submission in progress. */
interface Flight {
  readonly promise: Promise<Submitted | null>;
  /** Result of the promise; `undefined` while it is pending. */
  result: Submitted | null | undefined;
}

/**
 * Queues many jobs concurrently. A job that waits for others of these is queued after these.
 *
 * @param submissions A job may wait only for those that precede it.
 * @throws {UnavailableError} Redis became unreachable. Every job for which `onSubmitted` was called is queued; for at
 * most 256 after them it is unknown whether they are.
 * @throws {QueueFullError} Too many jobs wait for a runner already. Only the jobs for which `onSubmitted` was called
 * are queued.
 * @throws {JobNotFoundError} A job is to wait for one that does not exist; as above.
 */
export async function submitJobs(
  store: JobStore,
  submissions: readonly ReadySubmission[],
  options: SubmitJobsOptions,
): Promise<void> {
  const underWay: Flight[] = [];
  const awaited = new Set(submissions.flatMap(parentsOf));
  const byId = new Map<string, Promise<unknown>>();
  const refusals: Error[] = [];
  const report = async () => {
    await underWay[0].promise;
    const open = underWay.findIndex(({ result }) => result === undefined);
    const done = underWay.splice(0, open === -1 ? underWay.length : open).map(({ result }) => result);
    await options.onSubmitted(done.filter((submitted) => submitted != null));
  };
  const submitOne = async (submission: ReadySubmission) => {
    for (const id of parentsOf(submission)) await byId.get(id);
    if (refusals.length > 0) return null;
    try {
      return await submitJob(store, submission, options);
    } catch (error) {
      if (!(error instanceof QueueFullError || error instanceof JobNotFoundError)) throw error;
      refusals.push(error);
      return null;
    }
  };
  try {
    for (const submission of submissions) {
      if (underWay.length === SIDE_BY_SIDE) await report();
      if (refusals.length > 0) break;
      const flight: Flight = { promise: submitOne(submission), result: undefined };
      // `report` awaits it in its turn; until then this handler keeps a rejection from counting as unhandled
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
