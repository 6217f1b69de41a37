import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import { MAX_REASON } from "../domain/limits.ts";
import type { JobStore } from "../ports/job_store.ts";

/**
 * Result of a cancellation. `cancelled`: the job had not started. `requested`: its runner will stop it. `ended`: it had
 * ended before.
 *
 * ```ts no-eval
 * import { type Cancelled, Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const done: Cancelled = await client.cancel("7", "not needed any more");
 * if (done === "requested") await client.wait("7");
 * ```
 */
export type Cancelled = "cancelled" | "requested" | "ended";

/**
 * Cancels a job in any state.
 *
 * @param store Redis.
 * @param id Complete id.
 * @param reason Text for the job's `error` field; may be empty.
 * @throws {JobNotFoundError} There is no such job.
 * @throws {InvalidInputError} The reason is too long.
 */
export async function cancelJob(store: JobStore, id: string, reason: string): Promise<Cancelled> {
  const bytes = new TextEncoder().encode(reason).length;
  if (bytes > MAX_REASON) {
    throw new InvalidInputError(
      `Cannot cancel job: the reason has ${bytes} bytes, more than ${MAX_REASON}; shorten it`,
    );
  }
  const { type } = await store.cancel(id, reason);
  switch (type) {
    case "CANCELLED":
      return "cancelled";
    case "REQUESTED":
      return "requested";
    case "FINAL":
      return "ended";
    case "MISSING":
      throw new JobNotFoundError(`Cannot cancel job ${JSON.stringify(id)}: no job of this namespace has that id`);
  }
}
