import { JobNotFoundError, UnavailableError } from "../domain/errors.ts";
import type { StoredBatch } from "../ports/batches.ts";
import type { JobStore } from "../ports/job_store.ts";
import { isComplete } from "./batch_view.ts";
import { MISSES, passes, type WaitOptions, wakeUps } from "./wait.ts";

/**
 * Polls a batch until it gets no more members and all have ended; otherwise as `watchJob`.
 *
 * @param options `poll` is called with the batch at each poll.
 * @returns The ended batch; `null` when the signal aborted first.
 * @throws {JobNotFoundError} There is no such batch, or Redis no longer has it.
 * @throws {UnavailableError} Redis cannot be reached at the first poll, or refuses us.
 */
export async function watchBatch(
  store: JobStore,
  id: string,
  options: WaitOptions & { readonly poll?: (batch: StoredBatch) => Promise<void> },
): Promise<StoredBatch | null> {
  let seen = false;
  let misses = 0;
  for await (const _ of wakeUps(store, id, options)) {
    if (options.signal.aborted) return null;
    try {
      const batch = await store.batches.read(id);
      if (batch) {
        seen = true;
        misses = 0;
        await options.poll?.(batch);
        if (isComplete(batch)) return batch;
      } else if (!seen || ++misses > MISSES) {
        const why = seen ? "it has left Redis" : "no batch of this namespace has that id";
        throw new JobNotFoundError(`Cannot wait for batch ${JSON.stringify(id)}: ${why}`);
      }
    } catch (error) {
      if (!seen || !(error instanceof UnavailableError) || !passes(error)) throw error;
      await options.onOutage?.(error);
    }
  }
  return null;
}
