import { endedOf, viewBatch } from "../client/batch_view.ts";
import { watchBatch } from "../client/wait_batch.ts";
import type { WaitOptions } from "../client/wait.ts";
import { memberId } from "../domain/batch.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { StoredBatch } from "../ports/batches.ts";
import type { JobStore } from "../ports/job_store.ts";
import { sayEnd, type Waiter } from "./await_jobs.ts";
import { batchJson, countsText } from "./view/batch_detail.ts";
import { Progress } from "./view/progress.ts";
import { printable, toJson } from "./view/text.ts";

/** Most members that are reported one by one. */
const SHOWN = 5;

/** Reports the end of a batch, and why some of its members failed. */
async function sayBatchEnd(waiter: Waiter, store: JobStore, batch: StoredBatch): Promise<number> {
  const view = viewBatch(batch);
  if (waiter.json) await waiter.terminal.write(`${toJson(batchJson(view))}\n`);
  if (view.exitCode === EXIT.ok) return EXIT.ok;
  for (const index of view.recent.slice(0, SHOWN)) {
    const job = await store.read(memberId(view.id, index));
    if (job?.fields.status === "error") await sayEnd({ ...waiter, json: false }, job, false);
  }
  await waiter.terminal.say(`batch ${printable(view.id)}: ${countsText(view)}\n`);
  return view.exitCode ?? EXIT.failed;
}

/**
 * Waits for a batch with a progress bar, and reports its end.
 *
 * @returns The highest exit code of its members; `null` when the signal aborted first; `false`: there is no such batch.
 */
export async function awaitBatch(
  waiter: Waiter,
  store: JobStore,
  id: string,
  options: Pick<WaitOptions, "signal" | "onOutage">,
): Promise<number | null | false> {
  if (await store.batches.read(id) === null) return false;
  const progress = new Progress(waiter, "members have ended");
  let batch: StoredBatch | null;
  try {
    batch = await watchBatch(store, id, {
      signal: options.signal,
      onOutage: async (error) => {
        await progress.hide();
        await options.onOutage?.(error);
      },
      poll: (batch) => {
        const view = viewBatch(batch);
        progress.update(endedOf(view), view.size);
        return Promise.resolve();
      },
    });
  } finally {
    await progress.end();
  }
  return batch && await sayBatchEnd(waiter, store, batch);
}
