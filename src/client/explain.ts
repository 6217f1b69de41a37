import { formatDuration } from "../domain/duration.ts";
import { dependenciesOf, type Dependency } from "../domain/job_meta.ts";
import { isFinal } from "../domain/lifecycle.ts";
import { DEFAULT_EXECUTOR, DEFAULT_RUNNER } from "../domain/limits.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { ClientStore } from "../ports/schedules.ts";
import { limitOfQueue } from "../domain/limit_key.ts";
import { explainLimit, explainQueueLimit } from "./limits.ts";
import type { JobStore, Placement, StoredInstance, StoredJob, StoredQueue } from "../ports/job_store.ts";
import { viewJob } from "./job_view.ts";
import { formatTime } from "./read_time.ts";

/** Most queues that are searched for a job that names no runner. */
const MAX_QUEUES = 20;

/** A queue and its runners. */
interface Served {
  readonly instances: readonly StoredInstance[];
  readonly queue: StoredQueue | undefined;
  /** Name of the runner whose queue it is. */
  readonly runner: string;
}

/** Facts from which the explanation is derived; the queue is that in which the job is. */
interface Facts extends Served {
  readonly job: StoredJob;
  readonly placement: Placement;
  /** The jobs for which it waits. */
  readonly awaited: readonly Dependency[];
  readonly time: (ms: number) => string;
  /** Serial key of a claimed job, and the id of the running job with the same one; `null` when none runs. */
  readonly busy: { readonly serialKey: string; readonly id: string } | null;
  /** What a limit that is reached says; `null` when none keeps it from starting. */
  readonly limit: string | null;
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function explainStarted({ job }: Facts, owner: StoredInstance | undefined): string {
  if (!owner) {
    return "its runner is not known to Redis any more; the job may go on, and the next runner on its host finishes it";
  }
  if (!owner.alive) {
    const silent = formatDuration(owner.silentMs / 1000);
    return `its runner on ${owner.host} has been silent for ${silent}; ` +
      `the job may go on there, and the next runner finishes it`;
  }
  if (job.meta.cancel !== undefined) return `is being stopped on ${owner.host}`;
  return viewJob(job).input
    ? `waiting for input on ${owner.host}; answer it: runner send ${pasteWord(job.id, "ID")} TEXT --enter`
    : `runs on ${owner.host}`;
}

/** Says why no runner claims jobs of a queue now, and what else there is to say; `null` when one does. */
function explainUnserved({ instances, queue, runner }: Served, more: string): string | null {
  if (queue?.paused) return `its queue is paused; ${more}`;
  const alive = instances.filter((instance) => instance.alive);
  if (alive.length === 0) {
    return `no runner "${runner}" is alive; start one: runner run --name ${pasteWord(runner, "NAME")}`;
  }
  if (alive.some((instance) => instance.state === "up")) return null;
  return alive.some((instance) => instance.state === "restoring")
    ? `Redis was restarted, and runner "${runner}" waits until all hosts have brought back what they run; ${more}`
    : `every runner "${runner}" is stopping and takes no more jobs`;
}

function explainQueued(facts: Facts): string {
  const { placement, instances, limit } = facts;
  const before = placement.ahead ? `${many(placement.ahead, "job")} before it` : "it is the next one";
  const unserved = explainUnserved(facts, before);
  if (unserved !== null) return unserved;
  const up = instances.filter((instance) => instance.alive && instance.state === "up");
  if (limit !== null) return `${limit}; ${before}`;
  const busy = up.every((instance) => instance.running >= instance.slots);
  const slots = up.reduce((sum, instance) => sum + instance.slots, 0);
  const all = slots === 1 ? "the only slot is" : `all ${slots} slots are`;
  return busy ? `${all} busy; ${before}` : `is in the queue; ${before}`;
}

function explainAwaited([{ id, condition }, ...more]: readonly Dependency[]): string {
  const others = more.length === 0 ? "" : `, and for ${many(more.length, "other job")}`;
  return `waits for job ${JSON.stringify(id)} to ${condition === "ended" ? "end" : "finish"}${others}`;
}

function explainWaiting(facts: Facts): string {
  const { job, placement, instances, awaited } = facts;
  if (placement.claimedBy !== null) {
    const host = instances.find(({ instance }) => instance === placement.claimedBy);
    if (!host?.alive) return "was taken by a runner that has gone silent; another one takes it over";
    if (facts.queue?.paused) return `was taken by the runner on ${host.host}, and its queue is paused`;
    if (facts.busy) {
      return `waits on ${host.host} for ${facts.busy.serialKey}, busy with job ${JSON.stringify(facts.busy.id)}`;
    }
    return `was taken by the runner on ${host.host} and waits there for a free slot or pane`;
  }
  if (placement.ahead !== null) return explainQueued(facts);
  if (facts.limit !== null) return explainUnserved(facts, facts.limit) ?? facts.limit;
  if (awaited.length > 0) return explainAwaited(awaited);
  if (placement.dueMs !== null) {
    const { attempt, last_error: last } = job.meta;
    const what = Number(attempt ?? 0) > 0 ? "its next attempt" : "it";
    return `${what} is delayed until ${facts.time(placement.dueMs)}${last ? `; the last one: ${last}` : ""}`;
  }
  return "is in no queue: it was stored and never pushed, or became a dead letter";
}

/** Finds the running job with the same serial key as a claimed one. */
async function busyWith(
  store: JobStore,
  job: StoredJob,
  { runner, placement }: { readonly runner: string; readonly placement: Placement },
  serialKeyOf: SerialKeyOf,
): Promise<Facts["busy"]> {
  const serialKey = serialKeyOf(job.fields.executor || DEFAULT_EXECUTOR);
  if (placement.claimedBy === null || serialKey === null) return null;
  const ids = await store.running(runner, placement.claimedBy);
  const other = (await store.summaries(ids)).find((one) =>
    serialKeyOf(one?.fields.executor || DEFAULT_EXECUTOR) === serialKey
  );
  return other ? { serialKey, id: other.id } : null;
}

/**
 * Finds the queue of a job and its position. A foreign client may leave out the runner: then all queues are searched.
 */
async function placeOf(
  store: JobStore,
  job: StoredJob,
  names: readonly string[],
): Promise<{ runner: string; placement: Placement }> {
  const own = job.meta.runner || job.fields.runner || "";
  const candidates = own === "" ? [...new Set(names)].slice(0, MAX_QUEUES) : [];
  for (const runner of candidates) {
    const placement = await store.place({ ...job, meta: { ...job.meta, runner } });
    if (placement.ahead !== null || placement.claimedBy !== null || placement.dueMs !== null) {
      return { runner, placement };
    }
  }
  return { runner: own, placement: await store.place(job) };
}

/** Returns what the limit says because of which a job is parked, or that of the queue in which it is. */
async function limitOf(
  store: ClientStore,
  { meta }: StoredJob,
  { placement, ...served }: Served & { readonly placement: Placement },
): Promise<string | null> {
  if (placement.ahead !== null) return await explainQueueLimit(store, limitOfQueue(served.runner));
  if (meta.parked === undefined) return null;
  return await explainLimit(store, meta.parked.split("\n")[0], explainUnserved(served, "") === null);
}

/** Returns the serial key of an executor string: jobs with the same one run one at a time; `null` when it has none. */
export type SerialKeyOf = (executor: string) => string | null;

/**
 * Explains why a job is where it is, and finds the instance that owns it.
 *
 * @param options `time` formats times; RFC 3339 in UTC when left out.
 */
export async function explainJob(
  store: ClientStore,
  job: StoredJob,
  { serialKeyOf, time = formatTime }: { readonly serialKeyOf: SerialKeyOf; readonly time?: (ms: number) => string },
): Promise<{ readonly why: string; readonly owner: StoredInstance | null }> {
  const status = job.fields.status || "dispatched";
  const [instances, queues] = await Promise.all([store.instances(), store.queues()]);
  const owner = instances.find(({ instance }) => instance === job.meta.instance);
  if (isFinal(status)) return { why: "", owner: owner ?? null };
  const names = [DEFAULT_RUNNER, ...queues.map((queue) => queue.runner), ...instances.map((one) => one.runner)];
  const { runner, placement } = await placeOf(store, job, names);
  const served: Served = {
    instances: instances.filter((instance) => instance.runner === runner),
    queue: queues.find((queue) => queue.runner === runner),
    runner,
  };
  const facts: Facts = {
    ...served,
    job,
    placement,
    time,
    limit: status === "started" ? null : await limitOf(store, job, { ...served, placement }),
    busy: await busyWith(store, job, { runner, placement }, serialKeyOf),
    awaited: dependenciesOf(job.meta).filter(({ met }) => !met),
  };
  if (status === "started") return { why: explainStarted(facts, owner), owner: owner ?? null };
  return { why: explainWaiting(facts), owner: null };
}
