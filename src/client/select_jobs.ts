import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import { type BatchView, memberIds, viewBatch } from "./batch_view.ts";
import { findAll } from "./find.ts";
import { type JobView, viewJob } from "./job_view.ts";
import { checkSelection, type Filter, fits, isFiltered, type Selection } from "./selection.ts";

/** Ids of one page, and the name of the queue that holds them; `null`: they come from the index. */
export interface IdPage {
  readonly ids: readonly string[];
  readonly queue: string | null;
}

/** A job that fits. */
export interface SelectedJob {
  readonly id: string;
  readonly status: string;
  /** Name of the queue that holds it; `null` when it was found in the index. */
  readonly queue: string | null;
  /** Ids of the jobs that it waits for; absent when that was not read. */
  readonly waitsFor?: readonly string[];
}

/** Progress of reading jobs. */
export interface ScanProgress {
  /** Number of jobs that were read. */
  readonly scanned: number;
  /** Number of all jobs. */
  readonly total: number;
}

/** Called after each page. */
export type OnScanned = (progress: ScanProgress) => void | Promise<void>;

/**
 * Reads the batch of a filter.
 *
 * @throws {JobNotFoundError} There is no such batch.
 */
export async function batchOf(store: JobStore, id: string): Promise<BatchView> {
  const batch = await store.batches.read(id);
  if (batch) return viewBatch(batch);
  throw new JobNotFoundError(`Cannot select jobs: no batch of this namespace has the id ${JSON.stringify(id)}`);
}

/**
 * Yields the ids of all jobs of the namespace, each once: first those that wait in a queue, from its newest end, then
 * the others of the index, oldest first. A job enters the index when it starts, if not before: in this order none is
 * missed. A name of a runner in the filter counts as known. With a batch in the filter, its members in their order.
 *
 * @throws {JobNotFoundError} There is no batch with the id in the filter.
 */
export async function* everyId(store: JobStore, { runner: name, batch }: Filter): AsyncGenerator<IdPage> {
  if (batch !== undefined) {
    for (const ids of memberIds(await batchOf(store, batch))) yield { ids, queue: null };
    return;
  }
  const seen = new Set<string>();
  const unseen = (ids: readonly string[]) => ids.filter((id) => !seen.has(id) && seen.add(id));
  for await (const { runner, ids } of store.waiting(name)) yield { ids: unseen(ids), queue: runner };
  for await (const ids of store.indexed()) yield { ids: unseen(ids), queue: null };
}

/** Parses a job that a queue holds: without a runner of its own, it is that of the queue. */
export function viewFound(job: StoredJob, queue: string | null): JobView {
  const view = viewJob(job);
  return view.runner === "" && queue !== null ? { ...view, runner: queue } : view;
}

/** A job that fits, as it was read. */
interface Fitting {
  readonly job: JobView;
  readonly queue: string | null;
}

/** Yields all jobs of the namespace that fit, in the order of `everyId`, without results and environments. */
export async function* fittingJobs(
  store: JobStore,
  filter: Filter,
  onScanned: OnScanned = () => {},
): AsyncGenerator<Fitting> {
  const size = await store.indexSize();
  let scanned = 0;
  for await (const { ids, queue } of everyId(store, filter)) {
    for (const stored of await store.summaries(ids)) {
      // a job can expire between reading its id and reading the job
      const job = stored && viewFound(stored, queue);
      if (job && fits(job, filter)) yield { job, queue };
    }
    scanned += ids.length;
    await onScanned({ scanned, total: Math.max(scanned, size) });
  }
}

/**
 * Finds all jobs of the namespace that fit.
 *
 * @returns Those in the queues first, oldest first in each queue, as cancelling finds them fastest.
 */
export async function selectJobs(store: JobStore, filter: Filter, onScanned?: OnScanned): Promise<SelectedJob[]> {
  const waiting: SelectedJob[] = [];
  const indexed: SelectedJob[] = [];
  for await (const { job, queue } of fittingJobs(store, filter, onScanned)) {
    const waitsFor = job.after.filter(({ met }) => !met).map(({ id }) => id);
    const of = waitsFor.length > 0 ? { waitsFor } : {};
    (queue === null ? indexed : waiting).push({ id: job.id, status: job.status, queue, ...of });
  }
  return [...waiting.reverse(), ...indexed];
}

/** Resolves texts as `findOne` does; a batch stands for its members. Returns complete ids, each once. */
export async function findMembers(store: JobStore, texts: readonly string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const { id, batch } of await findAll(store, texts)) {
    const found = batch ? await selectJobs(store, { batch: id }) : [{ id }];
    for (const one of found) ids.add(one.id);
  }
  return [...ids];
}

/**
 * Finds the jobs of a selection that a program gives.
 *
 * @param verb What is to be done with them, such as `cancel`.
 * @throws {InvalidInputError} The selection is malformed, or neither names jobs nor has a condition.
 * @throws {JobNotFoundError} One of the named jobs does not exist.
 */
export async function resolveSelection(
  store: JobStore,
  selection: Selection,
  verb: string,
): Promise<readonly SelectedJob[]> {
  checkSelection(selection, verb);
  const { ids, ...filter } = selection;
  if (ids !== undefined) {
    return (await findMembers(store, ids)).map((id) => ({ id, status: "", queue: null }));
  }
  if (!isFiltered(filter)) {
    throw new InvalidInputError(`Cannot ${verb} jobs: the selection is empty; give ids or a condition`);
  }
  return await selectJobs(store, filter);
}

/**
 * Reads jobs that wait in a queue and are not among the newest of the index, such as those of foreign programs.
 *
 * @param among Number of newest jobs of the index, and most jobs that are read.
 */
export async function waitingUnindexed(
  store: JobStore,
  { runner: name }: Filter,
  among: number,
): Promise<JobView[]> {
  const known = new Set(await store.newest(among));
  const found: JobView[] = [];
  for await (const { runner, ids } of store.waiting(name)) {
    const some = ids.filter((id) => !known.has(id)).slice(0, among - found.length);
    for (const job of await store.summaries(some)) if (job !== null) found.push(viewFound(job, runner));
    if (found.length >= among) break;
  }
  return found;
}
