/**
 * What clients ask of Redis: submit, cancel, read, follow. Same rules as ports/queue.ts.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";
import type { Submission } from "../domain/submission.ts";
import type { InstanceInfo, InstanceState } from "./queue.ts";
import type { JobRequest, RequestReply } from "./requests.ts";

/** Answer to `submit`. */
export type SubmitReply =
  | { readonly type: "OK" }
  /** A job with this id is there already; nothing was changed. */
  | { readonly type: "EXISTS" }
  /** So many jobs wait for that runner, as many as may or more; nothing was changed. */
  | { readonly type: "FULL"; readonly waiting: number };

/**
 * On what condition a job is queued.
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
  /** Only when fewer jobs wait for its runner, delayed ones included; no limit when left out. */
  readonly maxQueued?: number;
}

/** Answer to `retry`. */
export type RetryReply =
  | { readonly type: "OK" | "MISSING" | "NOWHERE" | "EMPTY" }
  | { readonly type: "ALIVE"; readonly status: string }
  | { readonly type: "WAITS"; readonly after: string }
  | { readonly type: "NEVER"; readonly after: string; readonly failed: boolean };

/** Which ended jobs are to be deleted. */
export interface PurgeQuery {
  /** Both when left out. */
  readonly state?: "finished" | "error";
  /** Name of the runner whose jobs they are; those of all when left out. */
  readonly queue?: string;
  /** Unix ms by Redis' clock before which they must have ended. */
  readonly endedBeforeMs: number;
  /** Deletes nothing. */
  readonly countOnly: boolean;
}

/** Answer to `purge`. */
export interface PurgeReply {
  /** Entries of the index at this moment. */
  readonly total: number;
  /** Entries that were looked at. */
  readonly scanned: number;
  /** Jobs that were, or would be, deleted. */
  readonly purged: number;
  /** Where to go on; `null`: there are no more. */
  readonly next: number | null;
}

/** A job as Redis has it. */
export interface StoredJob {
  readonly id: string;
  readonly fields: JobFields;
  /** Our bookkeeping; empty for a job that only foreign programs have touched. Keys as in src/redis/keys.ts. */
  readonly meta: Readonly<Record<string, string>>;
}

/** A runner instance as Redis has it. */
export interface StoredInstance extends InstanceInfo {
  readonly runner: string;
  readonly instance: string;
  readonly state: InstanceState;
  /** Milliseconds since its last heartbeat. */
  readonly silentMs: number;
  /** Whether its lease holds. */
  readonly alive: boolean;
  readonly running: number;
}

/** A queue as Redis has it. */
export interface StoredQueue {
  readonly runner: string;
  readonly queued: number;
  readonly delayed: number;
  readonly paused: boolean;
}

/** A piece of live output. */
export interface OutputPiece {
  /** Where to go on reading; opaque. */
  readonly cursor: string;
  readonly attempt: number;
  /** Offset of the first byte from the start of the attempt's output. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Something that happened, as Redis has it. */
export interface StoredEvent {
  /** Its place among the events; `eventsAfter` goes on from there. */
  readonly cursor: string;
  /** Unix ms by Redis' clock. */
  readonly ms: number;
  /** Name of the event, as in src/domain/lifecycle.ts. */
  readonly event: string;
  /** Id of the job. */
  readonly id: string;
  readonly runner: string | null;
  readonly instance: string | null;
  readonly attempt: number | null;
  /** State of the job after it; `late`: the end of an attempt came when the job had ended already. */
  readonly state: string | null;
}

/** Why a job is where it is, as far as Redis knows. */
export interface Placement {
  /** Jobs that run before it; `null` when it is not in the queue. */
  readonly ahead: number | null;
  /** Unix ms when it is due; `null` when it is not delayed. */
  readonly dueMs: number | null;
  /** Instance that has claimed it and not started it yet. */
  readonly claimedBy: string | null;
}

/** The clients' side of Redis, bound to one namespace. */
export interface JobStore {
  /** `submission.id` must be set: made once by the caller, so that repeating is safe. */
  submit(submission: Submission & { readonly id: string }, condition?: SubmitCondition): Promise<SubmitReply>;
  /** `CANCELLED`: it had not started. `REQUESTED`: its runner will stop it. */
  cancel(
    id: string,
    reason: string,
  ): Promise<{ readonly type: "CANCELLED" | "REQUESTED" | "FINAL" | "MISSING" }>;
  /**
   * `OK`: it is queued for a new attempt. `WAITS`: it will be, when the job that it waits for has finished. `NEVER`:
   * that job has failed or is not there; nothing was changed. `NOWHERE`: neither the job nor its record names a runner.
   * `EMPTY`: it has no payload.
   */
  retry(id: string): Promise<RetryReply>;
  /**
   * Asks the runner of a job that runs to do something with its terminal. The answer comes within `waitMs`, or somewhat
   * later that there is none.
   *
   * @param reply A name that nobody else uses.
   */
  request(job: StoredJob, request: JobRequest, options: { reply: string; waitMs: number }): Promise<RequestReply>;
  /** Lets the runners of a queue take no more jobs, or take them again; they learn it with their next heartbeat. */
  pause(runner: string, paused: boolean): Promise<void>;
  /** Looks at the next entries of the index, oldest first, and deletes ended jobs among them. */
  purge(query: PurgeQuery, from: number): Promise<PurgeReply>;
  read(id: string): Promise<StoredJob | null>;
  /**
   * Jobs without result and environment, and with only the beginning of a long payload; `null` for one that is gone.
   */
  summaries(ids: readonly string[]): Promise<readonly (StoredJob | null)[]>;
  /**
   * The end of the output of each job that failed, as far as its last line is looked for in it; empty for any other.
   */
  endings(ids: readonly string[]): Promise<readonly string[]>;
  /** The newest ids, newest first. */
  newest(count: number, offset?: number): Promise<readonly string[]>;
  /** Ids that begin with `prefix`, among the newest 10,000, at most `limit`. */
  withPrefix(prefix: string, limit: number): Promise<readonly string[]>;
  place(job: StoredJob): Promise<Placement>;
  instances(): Promise<readonly StoredInstance[]>;
  queues(): Promise<readonly StoredQueue[]>;
  /** Ids of the jobs that an instance runs. */
  running(runner: string, instance: string): Promise<readonly string[]>;
  /** The newest events, oldest first. */
  newestEvents(count: number): Promise<readonly StoredEvent[]>;
  /** Events after a cursor (`0`: all there are), oldest first; waits up to `waitMs` for one. */
  eventsAfter(cursor: string, waitMs: number): Promise<readonly StoredEvent[]>;
  /** Dead letters, newest first, with the reason. */
  deadLetters(limit: number): Promise<readonly { readonly id: string; readonly reason: string; readonly ms: number }[]>;
  /** Pieces of live output after `cursor` (`""`: from the start), oldest first. */
  output(id: string, cursor: string): Promise<readonly OutputPiece[]>;
  /**
   * Wakes up whenever something happened to the job, and every `everyMs` at the latest. Own connection, own reconnects;
   * a wake-up says nothing but "look again". `output`: also whenever it has written something; its runner then knows
   * that it is followed.
   */
  changes(id: string, everyMs: number, signal: AbortSignal, output?: boolean): AsyncIterable<void>;
  /** Milliseconds of Redis' clock, Unix time. */
  time(): Promise<number>;
  close(): void;
}
