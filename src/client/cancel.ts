import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import { MAX_REASON } from "../domain/limits.ts";
import type { CancelReply, JobStore } from "../ports/job_store.ts";
import { changeJobs, type LeftAlone } from "./change_jobs.ts";
import { childrenFirst } from "./children_first.ts";
import { type Filter, isWaitingOnly } from "./selection.ts";
import type { SelectedJob } from "./select_jobs.ts";

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

const RESULTS: Readonly<Record<CancelReply["type"], Cancelled | LeftAlone>> = {
  CANCELLED: "cancelled",
  REQUESTED: "requested",
  FINAL: "ended",
  STARTED: "changed",
  MISSING: "gone",
};

function checkReason(reason: string): void {
  const bytes = new TextEncoder().encode(reason).length;
  if (bytes > MAX_REASON) {
    throw new InvalidInputError(
      `Cannot cancel job: the reason has ${bytes} bytes, more than ${MAX_REASON}; shorten it`,
    );
  }
}

/**
 * Cancels a batch: its members that wait end at once, those that run are stopped by their runners, and it gets no more.
 *
 * @param id Complete id.
 * @returns `false` when all members had ended.
 * @throws {JobNotFoundError} There is no such batch.
 * @throws {InvalidInputError} The reason is too long.
 */
export async function cancelBatch(store: JobStore, id: string, reason: string): Promise<boolean> {
  checkReason(reason);
  const reply = await store.batches.batchCancel(id, reason);
  if (reply !== "MISSING") return reply === "OK";
  throw new JobNotFoundError(`Cannot cancel batch ${JSON.stringify(id)}: no batch of this namespace has that id`);
}

/**
 * Cancels a job in any state, or a batch.
 *
 * @param store Redis.
 * @param id Complete id.
 * @param reason Text for the job's `error` field; may be empty.
 * @throws {JobNotFoundError} There is no such job.
 * @throws {InvalidInputError} The reason is too long.
 */
export async function cancelJob(store: JobStore, id: string, reason: string): Promise<Cancelled> {
  checkReason(reason);
  const result = RESULTS[(await store.cancel(id, reason)).type];
  if (result === "cancelled" || result === "requested" || result === "ended") return result;
  const batch = await store.batches.batchCancel(id, reason);
  if (batch !== "MISSING") return batch === "OK" ? "requested" : "ended";
  throw new JobNotFoundError(`Cannot cancel job ${JSON.stringify(id)}: no job of this namespace has that id`);
}

/** How to cancel selected jobs. */
export interface CancelAll {
  readonly filter: Filter;
  readonly reason: string;
  /** Called for each job. */
  readonly onResult: (id: string, result: Cancelled | LeftAlone) => void | Promise<void>;
}

/**
 * Cancels selected jobs. One that starts meanwhile is left alone when only waiting ones were selected.
 *
 * @throws {InvalidInputError} The reason is too long; nothing was changed.
 */
export async function cancelJobs(
  store: JobStore,
  jobs: readonly SelectedJob[],
  { filter, reason, onResult }: CancelAll,
): Promise<void> {
  checkReason(reason);
  const waitingOnly = isWaitingOnly(filter);
  // the newest first: each is then at the end of its queue, where it is found at once
  await changeJobs<Cancelled>(store, childrenFirst(jobs.toReversed()), {
    filter,
    onResult,
    change: async ({ id, runner }, queue) =>
      RESULTS[(await store.cancel(id, reason, { queue: queue ?? runner, waitingOnly })).type],
  });
}
