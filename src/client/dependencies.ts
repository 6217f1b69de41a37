import { dependenciesOf, type Dependency } from "../domain/job_meta.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import { type BatchState, viewBatch } from "./batch_view.ts";

/** A job that waits for another one. */
export interface Dependent {
  readonly id: string;
  /** Its status as stored in Redis. */
  readonly status: string;
}

/** What a job waits for, and what waits for it. */
export interface Dependencies {
  /** The jobs for which it waits or waited, with their status; `null` for one that is gone. */
  readonly after: readonly (Dependency & { readonly status: string | null })[];
  /** Some of the jobs that wait for it. */
  readonly before: readonly Dependent[];
  /** About how many more wait for it. */
  readonly more: number;
}

/** Reads what a job waits for, and some of what waits for it. */
export async function readDependencies(store: JobStore, job: StoredJob, most: number): Promise<Dependencies> {
  const after = dependenciesOf(job.meta);
  const [states, { total, ids }] = await Promise.all([
    statesOf(store, after.map(({ id }) => id)),
    store.dependents(job.id, "waiting"),
  ]);
  const shown = ids.slice(0, most);
  const children = shown.length === 0 ? [] : await store.summaries(shown);
  // one that has ended stays in the list until the end of this job
  const before = children.filter((child) => child !== null && !isFinal(child.fields.status ?? ""))
    .map((child) => ({ id: child!.id, status: statusOf(child!) }));
  return {
    after: after.map((one, i) => ({ ...one, status: states[i] })),
    before,
    more: Math.max(0, total - shown.length),
  };
}

/** Returns the status of jobs, and of batches as if they were one job; `null` for one that is gone. */
async function statesOf(store: JobStore, ids: readonly string[]): Promise<(string | null)[]> {
  if (ids.length === 0) return [];
  const jobs = await store.summaries(ids);
  return await Promise.all(jobs.map(async (job, i) => {
    if (job) return statusOf(job);
    const batch = await store.batches.read(ids[i]);
    return batch && STATES[viewBatch(batch).state];
  }));
}

/** The status of a job that a state of a batch is to those that wait for it. */
const STATES: Readonly<Record<BatchState, string>> = {
  incomplete: "started",
  queued: "dispatched",
  running: "started",
  stopping: "started",
  finished: "finished",
  failed: "error",
};

function statusOf({ fields }: StoredJob): string {
  return fields.status || "dispatched";
}
