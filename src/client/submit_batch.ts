import { InvalidInputError, JobNotFoundError, QueueFullError } from "../domain/errors.ts";
import type { BatchSubmission, BatchSubmitReply } from "../ports/batches.ts";
import type { JobStore } from "../ports/job_store.ts";

/** Options of `submitBatch`. */
export interface SubmitBatchOptions {
  /** The most jobs that may wait for the runner with all members. */
  readonly maxQueued?: number;
  /** Called with the number of members that are stored. */
  readonly onStored?: (stored: number) => void | Promise<void>;
}

/** Result of `submitBatch`. */
export interface SubmittedBatch {
  readonly id: string;
  /** `false` when all members were stored before; then nothing was changed. */
  readonly queued: boolean;
}

/**
 * Queues a batch, page by page. The same submission under the same id goes on where another one ended.
 *
 * @throws {UnavailableError} Redis cannot be reached. Submitting it again with the same id is safe.
 * @throws {InvalidInputError} The id belongs to a job or to another batch, or this one was cancelled.
 * @throws {QueueFullError} Too many jobs wait for its runner; nothing was queued.
 * @throws {JobNotFoundError} It is to wait for a job or batch that does not exist.
 */
export async function submitBatch(
  store: JobStore,
  batch: BatchSubmission,
  { maxQueued, onStored }: SubmitBatchOptions = {},
): Promise<SubmittedBatch> {
  let queued = false;
  for (let first = 1;;) {
    const reply = await store.batches.batchSubmit(batch, first, { maxQueued });
    if (!("stored" in reply)) throw refusal(batch, reply, maxQueued);
    queued ||= reply.type === "OK";
    await onStored?.(reply.stored);
    if (reply.stored >= batch.size) return { id: batch.id, queued };
    first = reply.stored + 1;
  }
}

/** Returns the error for a reply that stored nothing. */
function refusal(
  { id, shared }: BatchSubmission,
  reply: Exclude<BatchSubmitReply, { readonly stored: number }>,
  maxQueued: number | undefined,
): Error {
  const name = JSON.stringify(id);
  switch (reply.type) {
    case "OTHER":
      return new InvalidInputError(
        `Cannot submit batch ${name}: this id belongs to another submission; choose another --id`,
      );
    case "TAKEN":
      return new InvalidInputError(
        `Cannot submit batch ${name}: ${
          JSON.stringify(reply.id)
        } is the id of another job or batch; choose another --id`,
      );
    case "STOPPED":
      return new InvalidInputError(
        `Cannot submit batch ${name}: it was ${
          reply.how === "cancel" ? "cancelled" : "stopped after too many failures"
        }, and gets no further members; choose another --id`,
      );
    case "ORPHAN":
      return new JobNotFoundError(
        `Cannot submit batch ${name}: job ${
          JSON.stringify(reply.after)
        }, for which it is to wait, does not exist; submit that first`,
      );
    case "FULL":
      return new QueueFullError(
        `Cannot submit batch ${name}: ${reply.waiting} jobs wait for runner ${
          JSON.stringify(shared.runner)
        } already, and ${maxQueued} is the most with all members; try again when some have started`,
      );
  }
}
