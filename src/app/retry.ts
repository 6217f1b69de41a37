import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import type { JobStore } from "../ports/job_store.ts";

/** What became of a request for a new attempt; a job that has not ended is left alone. */
export type Retried =
  | { readonly result: "queued" }
  | { readonly result: "not_ended"; readonly status: string };

/**
 * Has an ended job run again, as a new attempt.
 *
 * @param store Redis.
 * @param id The whole id.
 * @throws {JobNotFoundError} There is no such job.
 * @throws {InvalidInputError} Nobody knows which runner it is for.
 */
export async function retryJob(store: JobStore, id: string): Promise<Retried> {
  const reply = await store.retry(id);
  switch (reply.type) {
    case "OK":
      return { result: "queued" };
    case "ALIVE":
      return { result: "not_ended", status: reply.status };
    case "MISSING":
      throw new JobNotFoundError(`Cannot retry job ${JSON.stringify(id)}: no job of this namespace has that id`);
    case "NOWHERE":
      throw new InvalidInputError(
        `Cannot retry job ${JSON.stringify(id)}: it names no runner and none has run it; set its field runner in Redis`,
      );
  }
}
