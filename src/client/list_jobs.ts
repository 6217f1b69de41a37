import { statusOf } from "../domain/state_words.ts";
import type { JobStore, StoredInstance, StoredJob } from "../ports/job_store.ts";
import { type JobView, viewJob } from "./job_view.ts";
import { mapSideBySide } from "./map_side_by_side.ts";
import { memberId } from "../domain/batch.ts";
import { batchOf, waitingUnindexed } from "./select_jobs.ts";
import { canBeWaiting, type Filter, fits, isFiltered } from "./selection.ts";
import type { SORT_KEYS } from "../domain/sort_keys.ts";

/** Number of index entries that one step reads. */
const PAGE = 1_000;

/** Most running jobs that are searched for those that wait for input, unless the query selects running jobs. */
const ASKING_AMONG = 1_000;

/** Number of newest jobs that a counted query reads at least, when there are enough jobs to list. */
const COUNTED = 2_000;

/** Which jobs to list, and in which order. */
export interface JobQuery extends Filter {
  readonly sort?: typeof SORT_KEYS[number];
  /** Most jobs to list. */
  readonly count: number;
  /** Most of the newest jobs that are searched. */
  readonly among: number;
  /** Counts the matching jobs too, for which the search goes on after it has found enough jobs. */
  readonly counted?: boolean;
}

/** Result of `listJobs`. */
export interface FoundJobs {
  readonly jobs: readonly JobView[];
  /**
   * Number of jobs that were read, and of those that match; `isAll` when no older jobs exist that could match. `null`
   * when the query has no condition, or is not `counted`.
   */
  readonly counts: { readonly scanned: number; readonly fitting: number; readonly isAll: boolean } | null;
  /** `false` when older jobs that might match were not read. */
  readonly complete: boolean;
}

const VALUES: Readonly<Record<typeof SORT_KEYS[number], (job: JobView) => number | string | null>> = {
  created: (job) => job.createdMs,
  started: (job) => job.startedMs,
  ended: (job) => job.endedMs,
  took: (job) => job.seconds,
  status: (job) => job.status,
  runner: (job) => job.runner,
  id: (job) => job.id,
};

/** Sorts jobs: those without a value come last, equal ones keep their order. */
function sorted(jobs: readonly JobView[], sort: typeof SORT_KEYS[number]): JobView[] {
  const value = VALUES[sort];
  return jobs.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return typeof x === "number" ? Number(y) - x : x.localeCompare(String(y));
  });
}

/** Returns jobs that our runners run now. They are found through the instances, however many newer jobs there are. */
async function runningJobs(
  store: JobStore,
  instances: readonly StoredInstance[],
  limit: number,
): Promise<JobView[]> {
  const busy = instances.filter(({ running }) => running > 0);
  const ids = await mapSideBySide(busy, ({ runner, instance }) => store.running(runner, instance));
  return views(await store.summaries(ids.flat().slice(0, limit)));
}

/** Returns how to read the ids that are searched, the newest first: those of the index, or of a batch. */
async function source(
  store: JobStore,
  { batch }: Filter,
): Promise<(count: number, offset: number) => Promise<readonly string[]>> {
  if (batch === undefined) return (count, offset) => store.newest(count, offset);
  const { stored } = await batchOf(store, batch);
  return (count, offset) => {
    const length = Math.max(0, Math.min(count, stored - offset));
    return Promise.resolve(Array.from({ length }, (_, i) => memberId(batch, stored - offset - i)));
  };
}

function views(jobs: readonly (StoredJob | null)[]): JobView[] {
  // a job can expire between reading its id and reading the job
  return jobs.filter((job) => job !== null).map(viewJob);
}

/** Sorts jobs; with the default order those that wait for input come first, because they would wait for ever. */
function inOrder(jobs: readonly JobView[], sort: typeof SORT_KEYS[number]): JobView[] {
  const all = sorted(jobs, sort);
  return sort === "created" ? all.toSorted((a, b) => Number(b.input !== null) - Number(a.input !== null)) : all;
}

/**
 * Lists jobs, newest first unless the query has another order. In the default order, jobs that wait for input come
 * first, however old they are.
 *
 * @param instances All instances, when the caller has read them already.
 */
export async function listJobs(
  store: JobStore,
  query: JobQuery,
  instances?: readonly StoredInstance[],
): Promise<FoundJobs> {
  const { count, sort = "created", sinceMs, counted = false } = query;
  if (count === 0) return { jobs: [], complete: true, counts: null };
  const filtered = isFiltered(query);
  const among = filtered || sort !== "created" ? query.among : Math.min(count, query.among);
  const found = new Map<string, JobView>();
  const scanned = new Set<string>();
  const add = (jobs: readonly JobView[]) => {
    for (const job of jobs) {
      scanned.add(job.id);
      if (fits(job, query)) found.set(job.id, job);
    }
  };
  const isRunning = query.states?.some((name) => statusOf(name) === "started") ?? false;
  const running = await runningJobs(store, instances ?? await store.instances(), isRunning ? Infinity : ASKING_AMONG);
  add(isRunning ? running : running.filter(({ input }) => input !== null));
  const newest = await source(store, query);
  if (filtered && query.batch === undefined && canBeWaiting(query)) add(await waitingUnindexed(store, query, among));
  let complete = false, isAll = false;
  for (let from = 0; from < among && !complete; from += PAGE) {
    const size = Math.min(PAGE, among - from);
    // one more than needed shows whether older ones exist
    const ids = await newest(size + 1, from);
    const page = views(await store.summaries(ids.slice(0, size)));
    add(page);
    const oldest = page.at(-1)?.createdMs ?? null;
    const isTooOld = sinceMs !== undefined && oldest !== null && oldest < sinceMs;
    isAll = ids.length <= size || isTooOld;
    const isEnough = sort === "created" && found.size >= count && (!counted || scanned.size >= COUNTED);
    complete = isAll || isEnough;
  }
  return {
    jobs: inOrder([...found.values()], sort).slice(0, count),
    complete: complete || !filtered && sort === "created",
    counts: filtered && counted ? { scanned: scanned.size, fitting: found.size, isAll } : null,
  };
}
