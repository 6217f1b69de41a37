import { JobNotFoundError, QueueFullError } from "../domain/errors.ts";
import type { Submission } from "../domain/submission.ts";
import type { JobStore, SubmitCondition } from "../ports/job_store.ts";
import type { Draft } from "./read_submission.ts";

/** A submission that is ready to be queued; its fixed id makes it safe to repeat. */
export type ReadySubmission = Submission & { readonly id: string };

/** Result of a submission. */
export interface Submitted {
  readonly id: string;
  /** `false` when a job with this id existed already; then nothing was changed. */
  readonly queued: boolean;
}

/**
 * Assigns an id to a draft that has none, and turns its delay into a time.
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
 * @throws {UnavailableError} Redis cannot be reached. Whether the job was queued is then unknown; submitting it again
 * with the same id is safe.
 * @throws {QueueFullError} As many jobs wait for its runner as the condition allows; it was not queued.
 * @throws {JobNotFoundError} It is to wait for a job that does not exist; it was not queued.
 */
export async function submitJob(
  store: JobStore,
  submission: ReadySubmission,
  condition: SubmitCondition = {},
): Promise<Submitted> {
  const reply = await store.submit(submission, condition);
  if (reply.type === "ORPHAN") {
    throw new JobNotFoundError(
      `Cannot submit job: job ${
        JSON.stringify(reply.after)
      }, for which it is to wait, does not exist; submit that first`,
    );
  }
  if (reply.type !== "FULL") return { id: submission.id, queued: reply.type === "OK" };
  const { waiting } = reply;
  throw new QueueFullError(
    `Cannot submit: ${waiting} ${waiting === 1 ? "job waits" : "jobs wait"} for runner ` +
      `${
        JSON.stringify(submission.runner)
      } already, and ${condition.maxQueued} is the most; try again when some have started`,
  );
}
