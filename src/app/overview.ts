import type { JobStore, StoredInstance, StoredQueue } from "../ports/job_store.ts";
import { mapSideBySide } from "./map_side_by_side.ts";
import { type JobView, viewJob } from "./job_view.ts";

/** Ids that were put aside, as far as an overview shows them. */
const BURIED_SHOWN = 5;

/** What a namespace looks like at one moment. */
export interface Overview {
  /** Unix ms by Redis' clock. */
  readonly nowMs: number;
  readonly instances: readonly StoredInstance[];
  readonly queues: readonly StoredQueue[];
  /** Newest first. */
  readonly jobs: readonly JobView[];
  /** The newest ids that were no runnable jobs, with the reason. */
  readonly buried: readonly { readonly id: string; readonly reason: string; readonly ms: number }[];
}

/**
 * Looks at everything at once.
 *
 * @param count Jobs to show.
 */
export async function readOverview(store: JobStore, count: number): Promise<Overview> {
  const [nowMs, instances, queues, ids, buried] = await Promise.all([
    store.time(),
    store.instances(),
    store.queues(),
    count > 0 ? store.newest(count) : [],
    store.buried(BURIED_SHOWN),
  ]);
  const jobs = await mapSideBySide(ids, (id) => store.read(id));
  return {
    nowMs,
    instances: instances.toSorted((a, b) => a.runner.localeCompare(b.runner) || a.host.localeCompare(b.host)),
    queues: queues.toSorted((a, b) => a.runner.localeCompare(b.runner)),
    // a job can leave Redis between the two looks
    jobs: jobs.filter((job) => job !== null).map(viewJob),
    buried,
  };
}
