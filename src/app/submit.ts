import { QueueFullError } from "../domain/errors.ts";
import type { Submission } from "../domain/submission.ts";
import type { JobStore, SubmitCondition } from "../ports/job_store.ts";
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
 * @throws {UnavailableError} Redis cannot be reached; whether the job was queued is then unknown, and submitting it
 * again with the same id is right.
 * @throws {QueueFullError} As many jobs wait for its runner as the condition allows; it was not queued.
 */
export async function submitJob(
  store: JobStore,
  submission: ReadySubmission,
  condition: SubmitCondition = {},
): Promise<Submitted> {
  const reply = await store.submit(submission, condition);
  if (reply.type !== "FULL") return { id: submission.id, queued: reply.type === "OK" };
  const { waiting } = reply;
  throw new QueueFullError(
    `Cannot submit: ${waiting} ${waiting === 1 ? "job waits" : "jobs wait"} for runner ` +
      `${
        JSON.stringify(submission.runner)
      } already, and ${condition.maxQueued} is the most; try again when some have started`,
  );
}
