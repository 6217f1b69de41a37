import { statusOf } from "../domain/state_words.ts";
import type { JobStore, StoredInstance, StoredJob } from "../ports/job_store.ts";
import { type JobView, viewJob } from "./job_view.ts";
import { mapSideBySide } from "./map_side_by_side.ts";
import type { SORT_KEYS } from "./sort_keys.ts";

/** Index entries that one step looks at. */
const PAGE = 1_000;

/** Running jobs among which those that wait for input are looked for when nothing else is asked. */
const ASKING_AMONG = 1_000;

/** Newest jobs that are counted when there are enough to list. */
const COUNTED = 2_000;

/** Which jobs to list; what is left out is no condition. */
export interface JobQuery {
  readonly states?: readonly string[];
  readonly runner?: string;
  readonly callerId?: string;
  readonly contextId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Unix ms: only jobs created then or later. */
  readonly sinceMs?: number;
  readonly sort?: typeof SORT_KEYS[number];
  /** Jobs to list. */
  readonly count: number;
  /** How many of the newest jobs are looked at for it. */
  readonly among: number;
  /** Say how many fit, for which more are looked at than until there are enough. */
  readonly counted?: boolean;
}

/** Jobs that were found. */
export interface FoundJobs {
  readonly jobs: readonly JobView[];
  /**
   * How many were looked at, and how many of those fit; `null` when the query has no condition, or is not `counted`.
   */
  readonly counts: { readonly scanned: number; readonly fitting: number; readonly isAll: boolean } | null;
  /** `false`: there are older jobs that were not looked at, and that might belong to them. */
  readonly complete: boolean;
}

/** A job that waits for input runs as well. */
function isIn(job: JobView, name: string): boolean {
  return job.status === statusOf(name) && (name !== "waiting" || job.input !== null);
}

function fits(job: JobView, query: JobQuery): boolean {
  const { states = [], runner, callerId, contextId, labels = {}, sinceMs } = query;
  return (states.length === 0 || states.some((name) => isIn(job, name))) &&
    (runner === undefined || job.runner === runner) &&
    (callerId === undefined || job.callerId === callerId) &&
    (contextId === undefined || job.contextId === contextId) &&
    (sinceMs === undefined || (job.createdMs ?? 0) >= sinceMs) &&
    Object.entries(labels).every(([name, value]) => job.labels[name] === value);
}

function isFiltered(query: JobQuery): boolean {
  const { states = [], runner, callerId, contextId, labels = {}, sinceMs } = query;
  return states.length > 0 || Object.keys(labels).length > 0 ||
    [runner, callerId, contextId, sinceMs].some((condition) => condition !== undefined);
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

/** Jobs without a value come last, equal ones stay as they are. */
function sorted(jobs: readonly JobView[], sort: typeof SORT_KEYS[number]): JobView[] {
  const value = VALUES[sort];
  return jobs.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return typeof x === "number" ? Number(y) - x : x.localeCompare(String(y));
  });
}

/** Jobs that our runners run now: they are found however many newer ones there are. */
async function runningJobs(
  store: JobStore,
  instances: readonly StoredInstance[],
  limit: number,
): Promise<JobView[]> {
  const busy = instances.filter(({ running }) => running > 0);
  const ids = await mapSideBySide(busy, ({ runner, instance }) => store.running(runner, instance));
  return views(await store.summaries(ids.flat().slice(0, limit)));
}

function views(jobs: readonly (StoredJob | null)[]): JobView[] {
  // a job can leave Redis between the two looks
  return jobs.filter((job) => job !== null).map(viewJob);
}

/** Those that wait for input come first: they would wait for ever. */
function inOrder(jobs: readonly JobView[], sort: typeof SORT_KEYS[number]): JobView[] {
  const all = sorted(jobs, sort);
  return sort === "created" ? all.toSorted((a, b) => Number(b.input !== null) - Number(a.input !== null)) : all;
}

/**
 * Lists jobs, newest first unless the query says otherwise, and before them those that wait for input, however old they
 * are.
 *
 * @param instances All there are, when they are known.
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
  let complete = false, isAll = false;
  for (let from = 0; from < among && !complete; from += PAGE) {
    const size = Math.min(PAGE, among - from);
    // one more says whether there are any
    const ids = await store.newest(size + 1, from);
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
    complete: complete || !filtered,
    counts: filtered && counted ? { scanned: scanned.size, fitting: found.size, isAll } : null,
  };
}
