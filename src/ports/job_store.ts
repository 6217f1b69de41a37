/**
 * Redis as clients use it: submit, cancel, read, follow. As in ports/queue.ts, every change is one atomic step that is
 * safe to repeat, and methods reject with `UnavailableError` when Redis cannot be reached.
 *
 * @module
 */
import type { TerminalAccess } from "./executor.ts";
import type { JobFields } from "../domain/job.ts";
import type { Submission } from "../domain/submission.ts";
import type { BatchStore } from "./batches.ts";
import type { InstanceInfo, InstanceState } from "./queue.ts";
import type { JobRequest, RequestReply } from "./requests.ts";

/** Reply of `submit`. */
export type SubmitReply =
  | { readonly type: "OK" }
  /** A job with this id exists already; nothing was changed. */
  | { readonly type: "EXISTS" }
  /** It is to wait for the job `after`, which does not exist. Nothing was changed. */
  | { readonly type: "ORPHAN"; readonly after: string }
  /** The limit is reached: `waiting` jobs wait for that runner. Nothing was changed. */
  | { readonly type: "FULL"; readonly waiting: number };

/**
 * Condition for queueing a job.
 *
 * ```ts no-eval
 * import { Client, type SubmitCondition } from "@hero/runner";
 *
 * const unlessBusy: SubmitCondition = { maxQueued: 100 };
 * await using client = await Client.connect();
 * await client.submit({ payload: "make test" }, unlessBusy);
 * ```
 */
export interface SubmitCondition {
  /**
   * Queue it only when fewer than this number of jobs, delayed and parked ones included, wait for its runner; default:
   * no limit.
   */
  readonly maxQueued?: number;
}

/** Reply of `retry`. */
export type RetryReply =
  /**
   * `OK`: it is queued for a new attempt. `MISSING`: there is no such job. `NOWHERE`: neither the job nor its metadata
   * names a runner. `EMPTY`: it has no payload.
   */
  | { readonly type: "OK" | "MISSING" | "NOWHERE" | "EMPTY" }
  /** It has not ended: its status. */
  | { readonly type: "ALIVE"; readonly status: string }
  /** It will be queued when the jobs `after` have met its conditions. */
  | { readonly type: "WAITS"; readonly after: readonly string[] }
  /** The job `after` has failed, or does not exist (`failed` is false); its state was not changed. */
  | { readonly type: "NEVER"; readonly after: string; readonly failed: boolean };

/** Options of `retry`. */
export interface RetryOptions {
  /** Name of the job's runner; read from Redis when left out. */
  readonly runner?: string;
  /** The job was skipped; when it would be again, its error names the reason of now. */
  readonly skipped?: boolean;
}

/** Options of `cancel`. */
export interface CancelOptions {
  /** Name of the queue that may hold the job; read from Redis when left out. */
  readonly queue?: string;
  /** Cancels the job only when it has not started. */
  readonly waitingOnly?: boolean;
}

/** Reply of `cancel`. */
export interface CancelReply {
  /**
   * `CANCELLED`: it had not started and has ended. `REQUESTED`: its runner will stop it. `FINAL`: it had ended before.
   * `STARTED`: it had started, and was to be cancelled only before. `MISSING`: there is no such job.
   */
  readonly type: "CANCELLED" | "REQUESTED" | "FINAL" | "STARTED" | "MISSING";
}

/** Ids that wait for a runner, from one of its lists. */
export interface WaitingIds {
  readonly runner: string;
  readonly ids: readonly string[];
}

/** Selects ended jobs for deletion. */
export interface PurgeQuery {
  /** State of the jobs; both when left out. */
  readonly state?: "finished" | "error";
  /** Name of their runner; all runners when left out. */
  readonly runner?: string;
  /** Only jobs that ended before this time, Unix ms by Redis' clock. */
  readonly endedBeforeMs: number;
  /** Counts the jobs and deletes nothing. */
  readonly countOnly: boolean;
}

/**
 * What `purge` did with a job. `deleted`: or would be, when jobs are only counted. `running`: an attempt of it still
 * runs. `awaited`: another job waits for its end. `other`: the query does not select it. `missing`: there is no such
 * job.
 */
export type PurgeReply = "deleted" | "running" | "awaited" | "other" | "missing";

/** Some jobs that wait for another one, or that were skipped because of it. */
export interface Dependents {
  /** Number of all of them. */
  readonly total: number;
  readonly ids: readonly string[];
  /** Cursor of the next call; `null` at the end. */
  readonly next: string | null;
}

/** A job as stored in Redis. */
export interface StoredJob {
  readonly id: string;
  readonly fields: JobFields;
  /** Job metadata; empty for a job that only foreign programs have written. Names as in src/domain/job_meta.ts. */
  readonly meta: Readonly<Record<string, string>>;
}

/** A runner instance as stored in Redis. */
export interface StoredInstance extends Omit<InstanceInfo, "access"> {
  /** `null`: what is stored was written by no runner. */
  readonly access: TerminalAccess | null;
  readonly runner: string;
  readonly instance: string;
  readonly state: InstanceState;
  /** Milliseconds since its last heartbeat. */
  readonly silentMs: number;
  /** Whether its lease holds. */
  readonly alive: boolean;
  /** Number of jobs that it runs. */
  readonly running: number;
}

/** A queue as stored in Redis. */
export interface StoredQueue {
  readonly runner: string;
  /** Number of jobs in the queue. */
  readonly queued: number;
  /** Number of delayed jobs. */
  readonly delayed: number;
  /** Number of jobs that are parked because a limit is reached. */
  readonly parked: number;
  readonly paused: boolean;
}

/** A piece of live output. */
export interface OutputPiece {
  /** Position behind it, for the next call of `output`; opaque. */
  readonly cursor: string;
  readonly attempt: number;
  /** Offset of the first byte from the start of the attempt's output. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * An event in the life of a job.
 *
 * ```ts no-eval
 * import { Client, type JobEvent } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * for await (const event of client.events({ labels: { nightly: null } })) {
 *   const { id, state }: JobEvent = event;
 *   console.log(id, state);
 * }
 * ```
 */
export interface StoredEvent {
  /** Its position in the stream; `eventsAfter` continues from there. */
  readonly cursor: string;
  /** Unix ms by Redis' clock. */
  readonly ms: number;
  /** Name of the event, as in src/domain/lifecycle.ts. */
  readonly event: string;
  /** Id of the job. */
  readonly id: string;
  /** Name of the runner; `null` where it does not apply. */
  readonly runner: string | null;
  /** Instance of the runner; `null` where it does not apply. */
  readonly instance: string | null;
  /** Number of the attempt; `null` where it does not apply. */
  readonly attempt: number | null;
  /** State of the job after it; `late` when an attempt ended after the job had ended already. */
  readonly state: string | null;
}

/** Position of a job that has not started, according to Redis. */
export interface Placement {
  /** Number of jobs that run before it; `null` when it is not in the queue. */
  readonly ahead: number | null;
  /** Unix ms when it is due; `null` when it is not delayed. */
  readonly dueMs: number | null;
  /** Instance that has claimed it and not started it yet; `null` when there is none. */
  readonly claimedBy: string | null;
}

/** The clients' side of Redis, bound to one namespace. */
export interface JobStore {
  /** Batches of the namespace. */
  readonly batches: BatchStore;
  /** Queues a job. The caller generates `submission.id` once, so that repeating the call is safe. */
  submit(submission: Submission & { readonly id: string }, condition?: SubmitCondition): Promise<SubmitReply>;
  /** Cancels a job. Calls of the same turn are sent together. */
  cancel(id: string, reason: string, options?: CancelOptions): Promise<CancelReply>;
  /** Queues an ended job for a new attempt. Calls of the same turn are sent together. */
  retry(id: string, options?: RetryOptions): Promise<RetryReply>;
  /**
   * Returns some of the jobs that wait for a job, or that were skipped because of it. Some may have ended meanwhile.
   */
  dependents(id: string, which: "waiting" | "skipped", cursor?: string): Promise<Dependents>;
  /**
   * Sends a request about an attempt to the runner that has it: the one that the metadata names by `token`, `instance`
   * and `runner`. Returns the reply within `waitMs`; that no reply came is returned somewhat later.
   *
   * @param options `reply`: a name that no other request uses. `waitMs`: milliseconds to wait for the reply.
   */
  request(job: StoredJob, request: JobRequest, options: { reply: string; waitMs: number }): Promise<RequestReply>;
  /** Pauses or resumes claiming from a queue; its runners are informed by their next heartbeat. */
  pause(runner: string, paused: boolean): Promise<void>;
  /** Deletes ended jobs, or counts them. Returns what it did with each. */
  purge(query: PurgeQuery, ids: readonly string[]): Promise<readonly PurgeReply[]>;
  /** Returns a job; `null` when there is none with this id. */
  read(id: string): Promise<StoredJob | null>;
  /**
   * Returns jobs without result and environment, and with only the beginning of a long payload; `null` for each that is
   * not in Redis.
   */
  summaries(ids: readonly string[]): Promise<readonly (StoredJob | null)[]>;
  /**
   * Returns, for each job that failed, the part at the end of its output in which its last line is searched; empty for
   * any other.
   */
  endings(ids: readonly string[]): Promise<readonly string[]>;
  /** Returns the newest ids, newest first. */
  newest(count: number, offset?: number): Promise<readonly string[]>;
  /** Returns the number of entries in the index. */
  indexSize(): Promise<number>;
  /** Yields the ids in the index page by page, oldest first, each once, also when entries leave meanwhile. */
  indexed(): AsyncIterable<readonly string[]>;
  /**
   * Yields the ids in the queues and among the delayed, parked and claimed jobs of all names in use, and of `name`,
   * page by page. A job of a foreign program is not in the index before it starts, and does not make a name known.
   */
  waiting(name?: string): AsyncIterable<WaitingIds>;
  /** Returns at most `limit` ids that begin with `prefix`, among the newest 10,000. */
  withPrefix(prefix: string, limit: number): Promise<readonly string[]>;
  /** Returns the position of a job that has not started. */
  place(job: StoredJob): Promise<Placement>;
  /** Returns all runner instances of the namespace. */
  instances(): Promise<readonly StoredInstance[]>;
  /** Returns all queues of the namespace. */
  queues(): Promise<readonly StoredQueue[]>;
  /** Returns the ids of the jobs that an instance runs. */
  running(runner: string, instance: string): Promise<readonly string[]>;
  /** Returns the newest events, oldest first. */
  newestEvents(count: number): Promise<readonly StoredEvent[]>;
  /** Returns events after a cursor (`0`: all that are stored), oldest first; waits up to `waitMs` for one. */
  eventsAfter(cursor: string, waitMs: number): Promise<readonly StoredEvent[]>;
  /** Returns dead letters, newest first, with reason and time (Unix ms). */
  deadLetters(limit: number): Promise<readonly { readonly id: string; readonly reason: string; readonly ms: number }[]>;
  /** Returns pieces of live output after `cursor` (`""`: from the start), oldest first. */
  output(id: string, cursor: string): Promise<readonly OutputPiece[]>;
  /**
   * Yields whenever the job may have changed, at least every `everyMs`; the caller then reads the job again. Uses a
   * connection of its own that reconnects by itself.
   *
   * @param output Yields also for each new piece of output, and announces to the runner that the output is followed.
   */
  changes(id: string, everyMs: number, signal: AbortSignal, output?: boolean): AsyncIterable<void>;
  /** Returns Redis' clock, Unix time in milliseconds. */
  time(): Promise<number>;
  close(): void;
}
