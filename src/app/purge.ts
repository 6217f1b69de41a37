import type { JobStore, PurgeQuery } from "../ports/job_store.ts";

/** How far a purge has come. */
export interface PurgeProgress {
  /** Entries of the index that were looked at, and all there are. */
  readonly scanned: number;
  readonly total: number;
}

/**
 * Deletes ended jobs, oldest first and some at a time, so that nobody else waits long for Redis.
 *
 * @param onProgress Called after each step.
 * @returns How many were deleted, or with `countOnly` would be.
 */
export async function purgeJobs(
  store: JobStore,
  query: PurgeQuery,
  onProgress: (progress: PurgeProgress) => Promise<void>,
): Promise<number> {
  let count = 0;
  let scanned = 0;
  for (let from: number | null = 0; from !== null;) {
    const reply = await store.purge(query, from);
    count += reply.purged;
    scanned += reply.scanned;
    await onProgress({ scanned, total: Math.max(scanned, query.countOnly ? reply.total : reply.total + count) });
    from = reply.next;
  }
  return count;
}
