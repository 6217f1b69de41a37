import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import type { JobStore } from "../ports/job_store.ts";

/** Result of `retryJob`; a job that has not ended, or would not start, is left unchanged. */
export type Retried =
  | { readonly result: "queued" }
  /** It will be queued when the jobs `after` have met its conditions. */
  | { readonly result: "waits"; readonly after: readonly string[] }
  /** The job `after`, which must have finished or ended first, has ended with `error` or does not exist. */
  | { readonly result: "blocked"; readonly after: string; readonly state: "error" | "missing" }
  | { readonly result: "not_ended"; readonly status: string };

/**
 * Queues an ended job for a new attempt.
 *
 * @param store Redis.
 * @param id Complete id.
 * @param options `skipped`: the job was skipped; when it would be again, its error names the reason of now.
 * @throws {JobNotFoundError} There is no such job.
 * @throws {InvalidInputError} The stored job names no runner, or its payload is lost.
 */
export async function retryJob(
  store: JobStore,
  id: string,
  options: { readonly skipped?: boolean } = {},
): Promise<Retried> {
  const reply = await store.retry(id, options);
  switch (reply.type) {
    case "OK":
      return { result: "queued" };
    case "WAITS":
      return { result: "waits", after: reply.after };
    case "NEVER":
      return { result: "blocked", after: reply.after, state: reply.failed ? "error" : "missing" };
    case "ALIVE":
      return { result: "not_ended", status: reply.status };
    case "MISSING":
      throw new JobNotFoundError(`Cannot retry job ${JSON.stringify(id)}: no job of this namespace has that id`);
    case "EMPTY":
      throw new InvalidInputError(
        `Cannot retry job ${JSON.stringify(id)}: its payload is gone, as Redis had lost the job; submit it again`,
      );
    case "NOWHERE":
      throw new InvalidInputError(
        `Cannot retry job ${JSON.stringify(id)}: it names no runner and none has run it; set its field runner in Redis`,
      );
  }
}
