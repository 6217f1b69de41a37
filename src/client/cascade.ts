import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import { dependenciesOf } from "../domain/job_meta.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import { cancelJob, type Cancelled } from "./cancel.ts";
import { mapSideBySide } from "./map_side_by_side.ts";
import { type Retried, type RetriedOne, retryJob, retryJobs } from "./retry.ts";
import { type Changes, Tally } from "./change_jobs.ts";
import { resolveSelection } from "./select_jobs.ts";
import { isFiltered, type Selection } from "./selection.ts";

/**
 * Whether a change is also one of the jobs that hang on the selected ones.
 *
 * ```ts no-eval
 * import { type CascadeOptions, Client } from "@hero/runner";
 *
 * const all: CascadeOptions = { cascade: true };
 * await using client = await Client.connect();
 * await client.cancelAll({ ids: ["build"] }, "wrong branch", all);
 * ```
 */
export interface CascadeOptions {
  /**
   * Cancels also everything that waits for the jobs, in any way, the last ones first; runs also everything again that
   * was skipped because of them. The jobs are then selected by their ids.
   */
  readonly cascade?: boolean;
}

/** Which jobs hang on another one: those that wait for it, or those that were skipped because of it. */
type Which = "waiting" | "skipped";

/** Returns whether a job still hangs on another one; it may have ended, or another job may have its id now. */
function hangs(job: StoredJob | null, parent: string, which: Which): boolean {
  if (job === null) return false;
  const ended = isFinal(job.fields.status ?? "");
  const { skipped } = job.meta;
  if (which === "waiting" ? ended : !ended || skipped !== "1") return false;
  return dependenciesOf(job.meta).some(({ id, met }) => id === parent && (which === "skipped" || !met));
}

async function childrenOf(store: JobStore, parent: string, which: Which): Promise<string[]> {
  const children: string[] = [];
  for (let cursor: string | null = "0"; cursor !== null;) {
    const page = await store.dependents(parent, which, cursor);
    const jobs = await store.summaries(page.ids);
    children.push(...page.ids.filter((_, i) => hangs(jobs[i], parent, which)));
    cursor = page.next;
  }
  return [...new Set(children)];
}

/** Finds jobs and everything that hangs on them, each once; a step has only jobs that hang on those of steps before. */
async function descendantsOf(store: JobStore, roots: readonly string[], which: Which): Promise<string[][]> {
  const children = new Map<string, readonly string[]>();
  for (let open = roots; open.length > 0;) {
    const found = await mapSideBySide(open, (id) => childrenOf(store, id, which));
    open.forEach((id, i) => children.set(id, found[i]));
    open = [...new Set(found.flat())].filter((id) => !children.has(id));
  }
  const parents = new Map<string, number>();
  for (const id of [...children.values()].flat()) parents.set(id, (parents.get(id) ?? 0) + 1);
  const steps: string[][] = [];
  for (let step = [...children.keys()].filter((id) => !parents.has(id)); step.length > 0;) {
    steps.push(step);
    const next = step.flatMap((id) => children.get(id) ?? []);
    for (const id of next) parents.set(id, parents.get(id)! - 1);
    step = [...new Set(next)].filter((id) => parents.get(id) === 0);
  }
  return steps;
}

/** Returns the steps without the jobs that were given. */
async function othersOf(store: JobStore, roots: readonly string[], which: Which): Promise<string[][]> {
  const given = new Set(roots);
  return (await descendantsOf(store, roots, which)).map((step) => step.filter((id) => !given.has(id)));
}

/** Returns the result of a change; `null` when the job has left Redis meanwhile. */
async function unlessGone<T>(change: Promise<T>): Promise<T | null> {
  return await change.catch((error) => {
    if (error instanceof JobNotFoundError) return null;
    throw error;
  });
}

/** Returns jobs, and everything that waits for them or was skipped because of them, in any way. */
export async function withDescendants(store: JobStore, ids: readonly string[], which: Which): Promise<string[]> {
  return [...ids, ...(await othersOf(store, ids, which)).flat()];
}

/**
 * Cancels jobs and everything that waits for them, in any way. The last ones go first, so that none starts meanwhile.
 *
 * @param onEnd Called for each job.
 */
export async function cancelCascade(
  store: JobStore,
  ids: readonly string[],
  { reason, onEnd }: { readonly reason: string; readonly onEnd: (id: string, became: Cancelled) => Promise<void> },
): Promise<void> {
  const steps = await descendantsOf(store, ids, "waiting");
  const given = new Set(ids);
  for (const step of steps.reverse()) {
    const became = await mapSideBySide(step, (id) => {
      const change = cancelJob(store, id, reason);
      return given.has(id) ? change : unlessGone(change);
    });
    for (const [i, result] of became.entries()) if (result !== null) await onEnd(step[i], result);
  }
}

/**
 * Queues those jobs again that were skipped because of some jobs, or of others that were. One that another failed job
 * still blocks is skipped again.
 *
 * @param onEnd Called for each job, those first for which others wait.
 */
export async function retryDescendants(
  store: JobStore,
  ids: readonly string[],
  onEnd: (id: string, retried: Retried) => Promise<void>,
): Promise<void> {
  for (const step of await othersOf(store, ids, "skipped")) {
    const retried = await mapSideBySide(step, (id) => unlessGone(retryJob(store, id, { skipped: true })));
    for (const [i, result] of retried.entries()) if (result !== null) await onEnd(step[i], result);
  }
}

/** Returns the ids of the jobs that a cascade begins with. */
async function rootsOf(store: JobStore, { ids, ...filter }: Selection, verb: string): Promise<string[]> {
  if (ids === undefined || isFiltered(filter)) {
    throw new InvalidInputError(`Cannot ${verb} jobs and what hangs on them: select them by their ids alone`);
  }
  return (await resolveSelection(store, { ids }, verb)).map(({ id }) => id);
}

/**
 * Cancels jobs and everything that waits for them; returns numbers of jobs by result.
 *
 * @throws {InvalidInputError} They are not selected by ids.
 */
export async function cancelTree(store: JobStore, selection: Selection, reason: string): Promise<Changes<Cancelled>> {
  const tally = new Tally();
  const onEnd = (_: string, became: Cancelled) => Promise.resolve(tally.add(became));
  await cancelCascade(store, await rootsOf(store, selection, "cancel"), { reason, onEnd });
  return tally.counts();
}

/**
 * Runs jobs again, and everything that was skipped because of them; returns numbers of jobs by result.
 *
 * @throws {InvalidInputError} They are not selected by ids.
 */
export async function retryTree(store: JobStore, selection: Selection): Promise<Changes<RetriedOne>> {
  const ids = await rootsOf(store, selection, "retry");
  const tally = new Tally();
  const jobs = ids.map((id) => ({ id, status: "", queue: null }));
  await retryJobs(store, jobs, { filter: {}, onResult: (_, result) => tally.add(result) });
  await retryDescendants(store, ids, (_, { result }) => Promise.resolve(tally.add(result)));
  return tally.counts();
}
