import type { JobStore, StoredInstance, StoredQueue } from "../ports/job_store.ts";
import type { JobView } from "./job_view.ts";
import { type FoundJobs, type JobQuery, listJobs } from "./list_jobs.ts";

/** Most dead letters in an overview. */
const MAX_DEAD_LETTERS = 100;

/** Most failed jobs whose end of output is read. */
const ENDINGS_SHOWN = 100;

/** State of a namespace at one moment. */
export interface Overview {
  /** Unix ms by Redis' clock. */
  readonly nowMs: number;
  readonly instances: readonly StoredInstance[];
  readonly queues: readonly StoredQueue[];
  readonly jobs: readonly JobView[];
  /** `false` when older jobs that might belong to `jobs` were not read. */
  readonly complete: boolean;
  /** Number of jobs that were read, and of those that match, when the query is `counted`. */
  readonly counts: FoundJobs["counts"];
  /** End of the output of listed jobs that failed, by job id. */
  readonly endings: ReadonlyMap<string, string>;
  /** Newest dead letters of the last day, with reason and time (Unix ms). */
  readonly deadLetters: readonly { readonly id: string; readonly reason: string; readonly ms: number }[];
}

/**
 * Reads instances, queues, jobs and dead letters concurrently.
 *
 * @param query Which jobs to list; a runner in it also restricts the instances and the queues to that name.
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
