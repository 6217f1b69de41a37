import { FINAL_STATES } from "../domain/lifecycle.ts";
import type { StoredBatch } from "../ports/batches.ts";
import { memberIds, viewBatch } from "./batch_view.ts";
import type { JobStore, PurgeQuery, PurgeReply } from "../ports/job_store.ts";
import { statusOf } from "../domain/state_words.ts";
import { type Filter, fits, isFiltered } from "./selection.ts";
import { everyId, type OnScanned, viewFound } from "./select_jobs.ts";

/** Which ended jobs to delete. */
export interface PurgeAll {
  readonly filter: Filter;
  /** Only jobs that ended before this time, Unix ms by Redis' clock. */
  readonly endedBeforeMs: number;
  /** Counts the jobs and deletes nothing. */
  readonly countOnly: boolean;
  /** Called after each page. */
  readonly onScanned?: OnScanned;
  /** Called with the ids of jobs that were deleted, or would be, page by page. */
  readonly onFound?: (ids: readonly string[]) => void | Promise<void>;
}

/**
 * What a purge did.
 *
 * ```ts no-eval
 * import { Client, type Purged } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const purged: Purged = await client.purge({ states: ["finished"] }, { olderThan: 86_400 });
 * console.log(purged.deleted);
 * ```
 */
export interface Purged {
  /** Number of jobs that were deleted, or would be. */
  readonly deleted: number;
  /** Number of ended jobs that were kept because an attempt of them still runs. */
  readonly running: number;
  /** Number of ended jobs that were kept because another job waits for their end. */
  readonly awaited: number;
}

/**
 * Deletes ended jobs in small steps, so that other clients of Redis do not wait long. The step that deletes a job
 * checks state, runner and age again.
 */
export async function purgeJobs(store: JobStore, options: PurgeAll): Promise<Purged> {
  const { filter, endedBeforeMs, countOnly, onScanned, onFound } = options;
  const { states = [], runner, ...others } = filter;
  const wanted = FINAL_STATES.filter((state) => states.length === 0 || states.map(statusOf).includes(state));
  if (wanted.length === 0) return { deleted: 0, running: 0, awaited: 0 };
  const state = wanted.length === 1 ? wanted[0] as PurgeQuery["state"] : undefined;
  // to the step that deletes, a skipped job is one with status error
  const isNarrow = isFiltered(others) || states.includes("skipped");
  const counts = { deleted: 0, running: 0, awaited: 0 };
  const size = await store.indexSize();
  let scanned = 0;
  for await (const { ids, queue } of everyId(store, filter)) {
    const fitting = isNarrow ? await narrow(store, ids, { filter, queue }) : ids;
    const replies = await store.purge({ state, runner, endedBeforeMs, countOnly }, fitting);
    for (const reply of replies) if (reply in counts) counts[reply as keyof Purged]++;
    await onFound?.(fitting.filter((_, i) => replies[i] === "deleted"));
    scanned += ids.length;
    await onScanned?.({ scanned, total: Math.max(scanned, size) });
  }
  return counts;
}

/** Returns the ids of the jobs that fit. */
async function narrow(
  store: JobStore,
  ids: readonly string[],
  { filter, queue }: { readonly filter: Filter; readonly queue: string | null },
): Promise<string[]> {
  const jobs = await store.summaries(ids);
  return ids.filter((_, i) => {
    const job = jobs[i];
    return job !== null && fits(viewFound(job, queue), filter);
  });
}

/** Deletes named jobs that have ended. Returns what was done with each. */
export async function purgeNamed(
  store: JobStore,
  ids: readonly string[],
  endedBeforeMs: number,
): Promise<readonly PurgeReply[]> {
  // one that ended in this millisecond has ended
  return await store.purge({ endedBeforeMs: endedBeforeMs + 1, countOnly: false }, ids);
}

/**
 * Deletes the members of a batch and its record, when all members ended before a time.
 *
 * @returns What was done, and the number of deleted members.
 */
export async function purgeBatch(
  store: JobStore,
  batch: StoredBatch,
  endedBeforeMs: number,
): Promise<{ readonly reply: PurgeReply; readonly deleted: number }> {
  const kept = { OTHER: "other", AWAITED: "awaited", MISSING: "missing" } as const;
  const query = { endedBeforeMs: endedBeforeMs + 1, countOnly: true };
  const may = await store.batches.batchPurge(batch.id, query);
  if (may !== "OK") return { reply: kept[may], deleted: 0 };
  let deleted = 0;
  let reply: PurgeReply = "deleted";
  for (const ids of memberIds(viewBatch(batch))) {
    const members = await narrow(store, ids, { filter: { batch: batch.id }, queue: null });
    for (const one of await purgeNamed(store, members, endedBeforeMs)) {
      if (one === "deleted") deleted++;
      else if (one !== "missing") reply = one;
    }
  }
  // its record stays with the members that could not be deleted
  if (reply === "deleted") await store.batches.batchPurge(batch.id, { ...query, countOnly: false });
  return { reply, deleted };
}

/** Counts what was done with named jobs. */
export function countPurged(replies: readonly PurgeReply[]): Purged {
  const count = (wanted: PurgeReply) => replies.filter((reply) => reply === wanted).length;
  return { deleted: count("deleted"), running: count("running"), awaited: count("awaited") };
}
