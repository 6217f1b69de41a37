import type { JobStore, StoredInstance, StoredQueue } from "../ports/job_store.ts";
import type { JobView } from "./job_view.ts";
import { type FoundJobs, type JobQuery, listJobs } from "./list_jobs.ts";

/** Dead letters, as far as an overview has them. */
const MAX_DEAD_LETTERS = 100;

/** Failed jobs of which the end of their output is read. */
const ENDINGS_SHOWN = 100;

/** What a namespace looks like at one moment. */
export interface Overview {
  /** Unix ms by Redis' clock. */
  readonly nowMs: number;
  readonly instances: readonly StoredInstance[];
  readonly queues: readonly StoredQueue[];
  readonly jobs: readonly JobView[];
  /** `false`: there are older jobs that were not looked at, and that might belong to `jobs`. */
  readonly complete: boolean;
  /** How many jobs were looked at and how many fit, when that was asked for. */
  readonly counts: FoundJobs["counts"];
  /** The end of the output of listed jobs that failed, by id. */
  readonly endings: ReadonlyMap<string, string>;
  /** The newest ids of the last day that were no runnable jobs, with the reason. */
  readonly deadLetters: readonly { readonly id: string; readonly reason: string; readonly ms: number }[];
}

/**
 * Looks at everything at once.
 *
 * @param query Which jobs; with a runner in it, only that runner and its queue.
 */
export async function readOverview(store: JobStore, query: JobQuery): Promise<Overview> {
  const isWanted = ({ runner }: { runner: string }) => query.runner === undefined || runner === query.runner;
  const known = store.instances();
  const [nowMs, instances, queues, { jobs, complete, counts }, deadLetters] = await Promise.all([
    store.time(),
    known,
    store.queues(),
    known.then((instances) => listJobs(store, query, instances)),
    store.deadLetters(MAX_DEAD_LETTERS),
  ]);
  const failed = jobs.filter(({ status }) => status === "error").slice(0, ENDINGS_SHOWN).map(({ id }) => id);
  const ends = await store.endings(failed);
  return {
    nowMs,
    instances: instances.filter(isWanted).toSorted((a, b) =>
      a.runner.localeCompare(b.runner) || a.host.localeCompare(b.host)
    ),
    queues: queues.filter(isWanted).toSorted((a, b) => a.runner.localeCompare(b.runner)),
    jobs,
    complete,
    counts,
    endings: new Map(failed.map((id, i) => [id, ends[i]])),
    deadLetters,
  };
}
