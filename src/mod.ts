/**
 * Run shell jobs in tmux terminals, fed by a Redis queue: the library behind the command `runner`.
 *
 * ```ts no-eval
 * import { Client } from "@hero/runner";
 *
 * await using client = await Client.connect({ redisUrl: "127.0.0.1:6379" });
 * const id = await client.submit({ payload: "make test", runner: "build", timeout: 600 });
 * const job = await client.wait(id);
 * console.log(job.exitCode, job.result);
 * ```
 *
 * All functions reject with `InvalidInputError` when an argument is invalid; nothing was changed then. They reject with
 * `UnavailableError` when Redis cannot be reached or refuses us, and with `JobNotFoundError` when there is no such job.
 *
 * @module
 */
import { cancelJob, cancelJobs, type Cancelled } from "./client/cancel.ts";
import { cancelTree, type CascadeOptions, retryTree } from "./client/cascade.ts";
import { type Changes, type LeftAlone, Tally } from "./client/change_jobs.ts";
import { checkSubmission } from "./client/check_submission.ts";
import { followEvents, newestCursor } from "./client/follow_events.ts";
import { followJob } from "./client/follow.ts";
import { type JobView, viewJob } from "./client/job_view.ts";
import { RemoteOutput } from "./client/remote_output.ts";
import { countPurged, type Purged, purgeJobs, purgeNamed } from "./client/purge.ts";
import { type Retried, type RetriedOne, retryJob, retryJobs } from "./client/retry.ts";
import { eventsOfFitting, eventsOfJobs } from "./client/select_events.ts";
import { findAll } from "./client/find.ts";
import { findMembers, fittingJobs, resolveSelection } from "./client/select_jobs.ts";
import { checkSelection, type Filter, isFiltered, type Selection } from "./client/selection.ts";
import type { ConnectionOptions, FollowOptions } from "./library/options.ts";
import { defaults } from "./library/runner.ts";
import { type NewSchedule, type Schedule, Schedules } from "./client/schedule_client.ts";
import { type BatchState, type BatchView, viewBatch } from "./client/batch_view.ts";
import { type BatchMembers, type NewBatch, submissionOf } from "./client/new_batch.ts";
import { type Limit, Limits } from "./client/limit_client.ts";
import { makeReady, submitJob } from "./client/submit.ts";
import { submitBatch } from "./client/submit_batch.ts";
import { watchBatch } from "./client/wait_batch.ts";
import { waitForJobs, watchJob } from "./client/wait.ts";
import { GLOBAL_ROWS } from "./settings/options.ts";
import { compose } from "./compose/compose.ts";
import type { OpenedRunner, RunnerOptions } from "./compose/contract.ts";
import type { BatchCounts } from "./domain/batch.ts";
import { JobNotFoundError } from "./domain/errors.ts";
import { DEFAULT_EXECUTOR, DEFAULT_RUNNER } from "./domain/limits.ts";
import type { Condition, Dependency } from "./domain/job_meta.ts";
import type { OutcomeWord } from "./domain/outcome.ts";
import type { Overlap } from "./domain/schedule.ts";
import type { Priority, Submission } from "./domain/submission.ts";
import type { HostOutput } from "./ports/host_output.ts";
import type { StoredEvent as JobEvent, SubmitCondition } from "./ports/job_store.ts";
import type { ClientStore } from "./ports/schedules.ts";

export {
  InvalidInputError,
  JobNotFoundError,
  QueueFullError,
  RefusedError,
  SetupError,
  UnavailableError,
} from "./domain/errors.ts";
export { Runner } from "./library/runner.ts";
export type {
  BatchCounts,
  BatchMembers,
  BatchState,
  BatchView,
  Cancelled,
  CascadeOptions,
  Changes,
  Condition,
  ConnectionOptions,
  Dependency,
  Filter,
  FollowOptions,
  JobEvent,
  JobView,
  LeftAlone,
  Limit,
  NewBatch,
  NewSchedule,
  OpenedRunner,
  OutcomeWord,
  Overlap,
  Priority,
  Purged,
  Retried,
  RetriedOne,
  RunnerOptions,
  Schedule,
  Selection,
  Submission,
  SubmitCondition,
};
export { Limits, Schedules };

/**
 * A job to be submitted; only `payload` is required. Durations are in seconds.
 *
 * ```ts no-eval
 * import { type NewJob, submit } from "@hero/runner";
 *
 * const job: NewJob = { payload: "make test", runner: "build", timeout: 600, env: { CI: "1" } };
 * await submit(job);
 * ```
 */
export type NewJob = Partial<Submission> & Pick<Submission, "payload">;

/**
 * A connection to Redis for submitting, reading, following and cancelling jobs.
 *
 * ```ts no-eval
 * import { Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const id = await client.submit({ payload: "sleep 1; echo done", executor: "tmux.demo", env: { NAME: "value" } });
 * await client.follow(id, (bytes) => console.log(new TextDecoder().decode(bytes)));
 * ```
 */
export class Client implements AsyncDisposable {
  /** Jobs that are submitted again and again. */
  readonly schedules: Schedules;
  /** How many jobs run at the same time on all hosts together. */
  readonly limits: Limits;
  readonly #store: ClientStore;
  readonly #host: HostOutput | undefined;
  readonly #waitMs: number;

  private constructor(store: ClientStore, options: { host: HostOutput | undefined; waitMs: number }) {
    this.#store = store;
    this.schedules = new Schedules(store, compose);
    this.limits = new Limits(store);
    this.#host = options.host;
    this.#waitMs = options.waitMs;
  }

  /**
   * Connects to Redis.
   *
   * @throws {InvalidInputError} An option is invalid.
   * @throws {UnavailableError} Redis cannot be reached within the timeout, or refuses us.
   */
  static async connect(options: ConnectionOptions = {}): Promise<Client> {
    const { redisUrl = defaults.redisUrl, redisTimeout = defaults.redisTimeout, spool } = options;
    const namespace = GLOBAL_ROWS.namespace.read(options.namespace ?? "");
    const host = spool === undefined ? undefined : await compose.openHostOutput({ spool, namespace });
    const store = await compose.openStore({ redisUrl, namespace, redisTimeoutSeconds: redisTimeout });
    return new Client(store, { host, waitMs: redisTimeout * 1000 });
  }

  /**
   * Queues a job. Repeating the call with the same `job.id` is safe: an existing job with that id is not changed.
   *
   * @returns Its id: that in `job.id`, or a new one.
   * @throws {InvalidInputError} No runner could run the job; it was not queued.
   * @throws {QueueFullError} As many jobs wait for its runner as the condition allows; it was not queued.
   * @throws {JobNotFoundError} It is to wait for a job that does not exist; it was not queued.
   * @throws {UnavailableError} Redis cannot be reached; whether the job was queued is unknown.
   */
  async submit(job: NewJob, condition: SubmitCondition = {}): Promise<string> {
    const { runner = DEFAULT_RUNNER, executor = DEFAULT_EXECUTOR } = job;
    const submission: Submission = { ...job, runner, executor };
    checkSubmission({ submission }, compose.checkExecutor);
    const ready = makeReady({ submission }, await this.#store.time(), compose.newId);
    return (await submitJob(this.#store, ready, condition)).id;
  }

  /**
   * Queues many jobs under one id. The same batch with the same `job.id` goes on where an earlier call was interrupted.
   *
   * @returns Its id: that in `job.id`, or a new one. `cancel`, `retry` and ids of a selection accept it, too.
   * @throws {InvalidInputError} No runner could run its members, or the id belongs to something else.
   * @throws {QueueFullError} Too many jobs wait for its runner; nothing was queued.
   * @throws {JobNotFoundError} It is to wait for a job or batch that does not exist; nothing was queued.
   * @throws {UnavailableError} Redis cannot be reached; whether all members were queued is unknown.
   */
  async submitBatch(batch: NewBatch, condition: SubmitCondition = {}): Promise<string> {
    const { newId, checkExecutor } = compose;
    const ready = submissionOf(batch, { nowMs: await this.#store.time(), newId, checkExecutor });
    return (await submitBatch(this.#store, ready, condition)).id;
  }

  /**
   * Returns a batch: its state, and how many of its members are in which state.
   *
   * @throws {JobNotFoundError} There is no such batch.
   */
  async batch(id: string): Promise<BatchView> {
    const batch = await this.#store.batches.read(id);
    if (batch) return viewBatch(batch);
    throw new JobNotFoundError(`Cannot read batch ${JSON.stringify(id)}: no batch of this namespace has that id`);
  }

  /**
   * Waits until all members of a batch are stored and have ended.
   *
   * @param options `signal` ends the wait; the batch is then returned in its current state.
   * @throws {JobNotFoundError} There is no such batch, or Redis no longer has it.
   */
  async waitBatch(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<BatchView> {
    const batch = await watchBatch(this.#store, id, { signal: options.signal ?? new AbortController().signal });
    return batch ? viewBatch(batch) : await this.batch(id);
  }

  /**
   * Returns all stored data of a job.
   *
   * @throws {JobNotFoundError} There is no such job.
   */
  async read(id: string): Promise<JobView> {
    const job = await this.#store.read(id);
    if (!job) throw new JobNotFoundError(`Cannot read job ${JSON.stringify(id)}: no job of this namespace has that id`);
    return viewJob(job);
  }

  /**
   * Waits until a job has ended. Once the job was found, outages of Redis do not end the wait.
   *
   * @param options `signal` ends the wait; the job is then returned in its current state.
   * @returns The ended job.
   * @throws {JobNotFoundError} There is no such job, or Redis no longer has it.
   */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<JobView> {
    const signal = options.signal ?? new AbortController().signal;
    const job = await watchJob(this.#store, id, { signal });
    return job ? viewJob(job) : await this.read(id);
  }

  /**
   * Follows the output of a job, live, in order and without repeating a byte, until the job has ended. What Redis does
   * not have is asked from the job's runner; bytes that it does not send are reported to `gap`. With the option
   * `spool`, the output of jobs that run on this host is read from its files.
   *
   * @param write Receives the output as the program wrote it; for a job of a foreign runner, the text of its result.
   * @returns The ended job.
   * @throws {JobNotFoundError} There is no such job, or Redis no longer has it.
   */
  async follow(
    id: string,
    write: (bytes: Uint8Array) => void | Promise<void>,
    options: FollowOptions = {},
  ): Promise<JobView> {
    const signal = options.signal ?? new AbortController().signal;
    const sink = {
      write: async (bytes: Uint8Array) => await write(bytes),
      gap: async (bytes: number) => await options.gap?.(bytes),
      attempt: async (attempt: number) => await options.attempt?.(attempt),
    };
    const remote = new RemoteOutput(this.#store, { newId: compose.newId, waitMs: this.#waitMs, clock: compose.clock });
    const job = await followJob(this.#store, id, { signal, sink, host: this.#host, remote });
    return job ? viewJob(job) : await this.read(id);
  }

  /**
   * Cancels a job in any state, or a batch with all its members.
   *
   * @param reason Text for the job's `error` field, at most 1,000 bytes.
   * @returns `cancelled`: it had not started. `requested`: its runner will stop it. `ended`: it had ended before.
   * @throws {JobNotFoundError} There is no such job.
   * @throws {InvalidInputError} The reason is too long.
   */
  async cancel(id: string, reason = ""): Promise<Cancelled> {
    return await cancelJob(this.#store, id, reason);
  }

  /**
   * Queues an ended job for a new attempt.
   *
   * @throws {JobNotFoundError} There is no such job.
   * @throws {InvalidInputError} The stored job names no runner, or its payload is lost.
   */
  async retry(id: string): Promise<Retried> {
    return await retryJob(this.#store, id);
  }

  /**
   * Lists the selected jobs, or all of the namespace: those that wait in a queue first, then the others, oldest first.
   *
   * @returns The jobs without their results and the names of their environment variables.
   */
  async *list(selection: Selection = {}): AsyncGenerator<JobView> {
    checkSelection(selection, "list");
    const { ids, ...filter } = selection;
    if (ids === undefined) {
      for await (const { job } of fittingJobs(this.#store, filter)) yield job;
      return;
    }
    const stored = await this.#store.summaries(await findMembers(this.#store, ids));
    for (const job of stored) if (job !== null) yield viewJob(job);
  }

  /**
   * Waits until all selected jobs have ended, those that fit now.
   *
   * @param options `signal` ends the wait; only the jobs that have ended before are then returned.
   * @returns The ended jobs.
   */
  async waitAll(selection: Selection, options: { readonly signal?: AbortSignal } = {}): Promise<JobView[]> {
    const jobs = await resolveSelection(this.#store, selection, "wait for");
    const ended: JobView[] = [];
    await waitForJobs(this.#store, jobs.map(({ id }) => id), {
      signal: options.signal ?? new AbortController().signal,
      onEnd: (job) => Promise.resolve(void ended.push(viewJob(job))),
    });
    return ended;
  }

  /**
   * Cancels the selected jobs. With states that only waiting jobs have, one that starts meanwhile is left alone.
   *
   * @param reason Text for the `error` field of the jobs, at most 1,000 bytes.
   * @returns Numbers of jobs by result.
   */
  async cancelAll(selection: Selection, reason = "", options: CascadeOptions = {}): Promise<Changes<Cancelled>> {
    if (options.cascade) return await cancelTree(this.#store, selection, reason);
    const jobs = await resolveSelection(this.#store, selection, "cancel");
    const tally = new Tally();
    const { ids: _, ...filter } = selection;
    await cancelJobs(this.#store, jobs, { filter, reason, onResult: (_, result) => tally.add(result) });
    return tally.counts();
  }

  /**
   * Queues the selected jobs for a new attempt; a job that waits for another one of them follows that one.
   *
   * @returns Numbers of jobs by result.
   */
  async retryAll(selection: Selection, options: CascadeOptions = {}): Promise<Changes<RetriedOne>> {
    if (options.cascade) return await retryTree(this.#store, selection);
    const jobs = await resolveSelection(this.#store, selection, "retry");
    const tally = new Tally();
    const { ids: _, ...filter } = selection;
    await retryJobs(this.#store, jobs, { filter, onResult: (_, result) => tally.add(result) });
    return tally.counts();
  }

  /**
   * Deletes the selected jobs that have ended.
   *
   * @param options `olderThan`: only jobs that ended longer ago than this, seconds; default 0.
   */
  async purge(selection: Selection, options: { readonly olderThan?: number } = {}): Promise<Purged> {
    const { ids, ...filter } = selection;
    const endedBeforeMs = await this.#store.time() - Math.round((options.olderThan ?? 0) * 1000);
    if (ids !== undefined || !isFiltered(filter)) {
      const jobs = await resolveSelection(this.#store, selection, "purge");
      return countPurged(await purgeNamed(this.#store, jobs.map(({ id }) => id), endedBeforeMs));
    }
    checkSelection(selection, "purge");
    return await purgeJobs(this.#store, { filter, endedBeforeMs, countOnly: false });
  }

  /**
   * Follows new events of the selected jobs, or of all jobs of the namespace. A job fits as it is when its event is
   * read. Outages of Redis do not end the iteration.
   *
   * @param options `signal` ends the iteration.
   */
  async *events(selection: Selection = {}, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<JobEvent> {
    checkSelection(selection, "follow");
    const { ids, ...filter } = selection;
    const cursor = await newestCursor(this.#store);
    const narrow = ids !== undefined
      ? eventsOfJobs(await findAll(this.#store, ids))
      : isFiltered(filter)
      ? eventsOfFitting(this.#store, filter)
      : null;
    const signal = options.signal ?? new AbortController().signal;
    for await (const events of followEvents(this.#store, cursor, { clock: compose.clock, signal })) {
      yield* narrow ? await narrow(events) : events;
    }
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#store.close();
    return Promise.resolve();
  }
}

/**
 * Queues one job over a new connection, which is then closed. Rejects as `Client.connect` and `Client.submit` do.
 *
 * ```ts no-eval
 * import { submit } from "@hero/runner";
 *
 * const id = await submit({ payload: "echo hello" }, { namespace: "production" });
 * ```
 *
 * @returns Id of the job.
 */
export async function submit(job: NewJob, options: ConnectionOptions = {}): Promise<string> {
  await using client = await Client.connect(options);
  return await client.submit(job);
}
