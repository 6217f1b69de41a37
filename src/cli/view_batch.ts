import { type BatchView, isMember, viewBatch } from "../client/batch_view.ts";
import { type JobView, viewJob } from "../client/job_view.ts";
import { memberId } from "../domain/batch.ts";
import { JobNotFoundError } from "../domain/errors.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { batchJson, showBatch } from "./view/batch_detail.ts";
import { toJson } from "./view/text.ts";
import { timeFor } from "./view/times.ts";
import type { View } from "./view/watch.ts";

/** Reads those of the members that did not succeed last which have not been run again. */
async function readFailed(store: JobStore, { id, recent }: BatchView): Promise<JobView[]> {
  if (recent.length === 0) return [];
  const jobs = await store.summaries(recent.map((index) => memberId(id, index)));
  return jobs.flatMap((job) => job?.fields.status === "error" && isMember(job) ? [viewJob(job)] : []);
}

/** Returns the current details of a batch; it is over when all its members have ended. */
export async function viewBatchDetail(
  { terminal, settings, color }: Pick<Context, "terminal" | "settings" | "color">,
  store: JobStore,
  id: string,
): Promise<View> {
  const stored = await store.batches.read(id);
  if (!stored) throw new JobNotFoundError(`Cannot show batch ${JSON.stringify(id)}: it has just left Redis`);
  const batch = viewBatch(stored);
  const [failed, nowMs] = await Promise.all([readFailed(store, batch), store.time()]);
  const detail = { batch, failed, nowMs };
  const text = settings.json
    ? `${toJson(batchJson(batch, detail))}\n`
    : showBatch(detail, { room: terminal.columns(), color, time: timeFor(terminal) });
  return { text, over: batch.exitCode !== null };
}
