import type { StoredBatch } from "../ports/batches.ts";
import type { JobStore } from "../ports/job_store.ts";
import { isMember, memberIds, viewBatch } from "./batch_view.ts";
import { type LeftAlone, Tally } from "./change_jobs.ts";
import { type RetriedOne, retryJobs } from "./retry.ts";

/** Called after each page. */
type OnPage = (members: number, of: number) => void | Promise<void>;

/** Queues the members of a batch again that ended with `error`, in any way. Returns what became of them. */
export async function retryBatch(store: JobStore, batch: StoredBatch, onPage: OnPage = () => {}): Promise<Tally> {
  const view = viewBatch(batch);
  const tally = new Tally();
  let done = 0;
  for (const ids of memberIds(view)) {
    const jobs = await store.summaries(ids);
    const failed = jobs.flatMap((job) => job?.fields.status === "error" && isMember(job) ? [job.id] : []);
    const selected = failed.map((id) => ({ id, status: "error", queue: null }));
    await retryJobs(store, selected, {
      filter: { states: ["error"] },
      onResult: (_, result: RetriedOne | LeftAlone) => tally.add(result),
    });
    done += ids.length;
    await onPage(done, view.stored);
  }
  return tally;
}
