import type { JobStore, PurgeQuery } from "../ports/job_store.ts";

/** Progress of a purge. */
export interface PurgeProgress {
  /** Number of index entries that were read. */
  readonly scanned: number;
  /** Number of all index entries. */
  readonly total: number;
}

/**
 * Deletes ended jobs, oldest first and in small steps, so that other clients of Redis do not wait long.
 *
 * @param onProgress Called after each step.
 * @returns Number of jobs that were deleted, or with `countOnly` would be.
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
    scanned += reply.scanned;
    // counted before this step deletes
    await onProgress({ scanned, total: Math.max(scanned, query.countOnly ? reply.total : reply.total + count) });
    count += reply.purged;
    from = reply.next;
  }
  return count;
}
