import type { Submission } from "../domain/submission.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Draft } from "./read_submission.ts";

/** A submission that can be queued: safe to repeat, because its id is fixed. */
export type ReadySubmission = Submission & { readonly id: string };

/** What became of a submission. */
export interface Submitted {
  readonly id: string;
  /** `false`: a job with this id was there already, and nothing was changed. */
  readonly queued: boolean;
}

/**
 * Gives a draft its id, and its delay a point in time.
 *
 * @param nowMs Unix time by Redis' clock.
 */
export function makeReady(draft: Draft, nowMs: number, newId: () => string): ReadySubmission {
  const { submission, delay } = draft;
  return {
    ...submission,
    id: submission.id ?? newId(),
    ...(delay === undefined ? {} : { notBeforeMs: nowMs + Math.round(delay * 1000) }),
  };
}

/**
 * Queues one job.
 *
 * @throws {UnavailableError} Redis cannot be reached; whether the job was queued is then unknown, and submitting it again with the
 * same id is right.
 */
export async function submitJob(store: JobStore, submission: ReadySubmission): Promise<Submitted> {
  const { type } = await store.submit(submission);
  return { id: submission.id, queued: type === "OK" };
}
