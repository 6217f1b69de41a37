import type { JobStore, StoredJob } from "../ports/job_store.ts";
import { type JobView, viewJob } from "./job_view.ts";
import { mapSideBySide } from "./map_side_by_side.ts";
import type { SORT_KEYS } from "./sort_keys.ts";

/** Index entries that one step looks at. */
const PAGE = 1_000;

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
}

/** Jobs that were found. */
export interface FoundJobs {
  readonly jobs: readonly JobView[];
  /** `false`: there are older jobs that were not looked at, and that might belong to them. */
  readonly complete: boolean;
}

function fits(job: JobView, query: JobQuery): boolean {
  const { states = [], runner, callerId, contextId, labels = {}, sinceMs } = query;
  return (states.length === 0 || states.includes(job.status)) &&
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
async function runningJobs(store: JobStore): Promise<string[]> {
  const instances = await store.instances();
  const ids = await mapSideBySide(instances, ({ runner, instance }) => store.running(runner, instance));
  return ids.flat();
}

function views(jobs: readonly (StoredJob | null)[]): JobView[] {
  // a job can leave Redis between the two looks
  return jobs.filter((job) => job !== null).map(viewJob);
}

/** Lists jobs, newest first unless the query says otherwise. */
export async function listJobs(store: JobStore, query: JobQuery): Promise<FoundJobs> {
  const { count, sort = "created", sinceMs } = query;
  if (count === 0) return { jobs: [], complete: true };
  const among = isFiltered(query) || sort !== "created" ? query.among : Math.min(count, query.among);
  const found = new Map<string, JobView>();
  const take = (jobs: readonly JobView[]) => {
    for (const job of jobs) if (fits(job, query)) found.set(job.id, job);
  };
  if (query.states?.includes("started")) take(views(await store.summaries(await runningJobs(store))));
  let complete = false;
  for (let from = 0; from < among && !complete; from += PAGE) {
    const size = Math.min(PAGE, among - from);
    const ids = await store.newest(size, from);
    const page = views(await store.summaries(ids));
    take(page);
    const oldest = page.at(-1)?.createdMs ?? null;
    const isTooOld = sinceMs !== undefined && oldest !== null && oldest < sinceMs;
    complete = ids.length < size || isTooOld || (sort === "created" && found.size >= count);
  }
  return { jobs: sorted([...found.values()], sort).slice(0, count), complete: complete || !isFiltered(query) };
}
