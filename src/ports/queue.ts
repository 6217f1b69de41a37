/**
 * The queue as a runner uses it. Every method that changes a job or an instance is one event of
 * src/domain/lifecycle.ts: one atomic step that is safe to repeat. All methods reject with `UnavailableError` when
 * Redis cannot be reached. Whether the step happened is then unknown, and repeating it is correct.
 *
 * @module
 */
import type { DataHistory } from "./data_history.ts";
import type { TerminalAccess } from "./executor.ts";
import type { JobFields } from "../domain/job.ts";
import type { RequestQueue } from "./requests.ts";
import type { SchedulePlans, ScheduleUser } from "./schedules.ts";
import type { LimitUser } from "./limits.ts";
import type { SettledEnd } from "./attempt_journal.ts";

/**
 * Why Redis cannot be used now. `unreachable`: there is no connection, or it broke. `busy`: it loads its data or runs a
 * long script. `full`: it accepts no new data, but ends of jobs can still be reported. `refused`: our password or a
 * permission is wrong. `unfit`: this Redis is not usable, or a key of ours holds foreign data. The first three are
 * temporary.
 */
export type Condition = "unreachable" | "busy" | "full" | "refused" | "unfit";

/** Details of every `UnavailableError` that the ports throw. */
export interface Trouble {
  readonly condition: Condition;
  /** Whether the command was sent, so that the step may have happened. */
  readonly sent: boolean;
  /** First word of Redis' error reply, such as `OOM`; undefined when there was none. */
  readonly code?: string;
  /** The message without the name of the failed step, for callers that name the user's action instead. */
  readonly says?: string;
  /** What the user can do, when that is known. */
  readonly remedy?: string;
}

/** An id as bytes: ids from foreign clients need not be UTF-8. */
export type RawId = Uint8Array;

/** Published facts about a runner instance. */
export interface InstanceInfo {
  /** Identity of the host's current boot. */
  readonly bootId: string;
  /** Name of the host. */
  readonly host: string;
  /** Process id of the runner. */
  readonly pid: number;
  /** Version of the program. */
  readonly version: string;
  /** Number of jobs that it runs concurrently. */
  readonly slots: number;
  /** How to reach its terminals. */
  readonly access: TerminalAccess;
}

/** State of an instance; it claims jobs only when `up`, and is `restoring` until all hosts have restored theirs. */
export type InstanceState = "up" | "restoring" | "draining" | "detached";

/** An attempt that this instance owns. */
export interface OwnedAttempt {
  /** Id of the job. */
  readonly id: string;
  /** `ATTEMPT.NONCE`: fencing token of the attempt. */
  readonly token: string;
}

/** Options of `register`. */
export interface RegisterOptions {
  /** Nonces of earlier processes that have certainly ended. */
  readonly proof?: readonly string[];
  /** Nonces of all processes that ran in this very folder, as far as they are recorded. */
  readonly lineage?: readonly string[];
  /**
   * Redis again has everything that this instance has on record, up to the last `seq` that Redis returned to it.
   * Rejects when Redis lost data once more since this process registered.
   */
  readonly restored?: boolean;
  /** The end of everything that another folder of this identity may have run is on record. */
  readonly unmixed?: boolean;
}

/** Reply of `register`. */
export type RegisterReply =
  | {
    readonly type: "OK";
    /** Last sequence number of this instance that Redis has a record of; 0 when it has none. */
    readonly seq: number;
    /**
     * Another spool folder had this identity since this one restored everything: that folder may have run the jobs on
     * record here.
     */
    readonly mixed: boolean;
    /** The data has another history than when it was last known to be complete. */
    readonly stale: boolean;
    /** Milliseconds until jobs with limits start, because Redis may have lost attempts that hold permits. */
    readonly limitsHeldMs: number;
  }
  /** Another process owns the instance: on `host`, with `msLeft` milliseconds left of its lease. */
  | { readonly type: "BUSY"; readonly msLeft: number; readonly host: string };

/** Reply of `heartbeat`. */
export type HeartbeatReply =
  /** `LOST`: Redis lost the instance; register again. `FENCED`: another process owns the instance. */
  | { readonly type: "LOST" | "FENCED" }
  | {
    readonly type: "OK";
    /** Attempts that Redis gave to another owner. */
    readonly fenced: readonly OwnedAttempt[];
    /** Ids of jobs whose attempts Redis has no record of: it lost data. */
    readonly unknown: readonly string[];
    /** Jobs to be stopped, with the reason. */
    readonly cancel: readonly { readonly id: string; readonly reason: string }[];
    /** Redis has other attempts of this instance on record than the ones sent. */
    readonly extra: boolean;
    /** Number of ids in the claim list. */
    readonly claims: number;
    /** Whether the queue is paused. */
    readonly paused: boolean;
    /** Whether the lease of another instance has ended. */
    readonly overdue: boolean;
    /** Milliseconds until the first delayed job is due; `null` when there is none. */
    readonly dueInMs: number | null;
    readonly schedules: SchedulePlans;
  };

/** A claimed id. */
export interface Claimed {
  readonly raw: RawId;
  /** Reply of its start; `null` when it was not started at once. */
  readonly reply: StartReply | null;
}

/** Reply of `start`. */
export type StartReply =
  | {
    /**
     * `OK`: a new attempt. `HELD`: this instance owns the attempt already. A reply was lost, the id was queued twice,
     * or an earlier process ended before it launched the attempt.
     */
    readonly type: "OK" | "HELD";
    /** `ATTEMPT.NONCE`: fencing token of the attempt. */
    readonly token: string;
    readonly attempt: number;
    /**
     * Sequence number of this instance that Redis assigned at or before this start. A Redis whose last number is
     * smaller has no record of the start.
     */
    readonly seq: number;
    readonly job: JobFields;
    /**
     * Job metadata: `retry_max`, `backoff_from`, `backoff_to`, `keep`, `cwd`, `title` and so on, as `submit` wrote it.
     */
    readonly meta: Readonly<Record<string, string>>;
  }
  /**
   * Nothing to run. `FENCED`: another process owns the instance. `GONE`: the id is not claimed. `MISSING`: there is no
   * such job. `FINAL`: it has ended. `DUP`: it runs already, maybe elsewhere. `WAITS`: it waits for other jobs.
   * `CANCELLED`: it was ended because of a request to cancel. `TOOBIG`: it was ended because of its size. `FULL`: the
   * limit of its queue is reached, and it is queued again.
   */
  | { readonly type: "FENCED" | "GONE" | "MISSING" | "FINAL" | "DUP" | "WAITS" | "CANCELLED" | "TOOBIG" | "FULL" }
  /** It is parked until a permit of `limit` is returned. */
  | { readonly type: "PARKED"; readonly limit: string }
  /** The job is stored as this string. */
  | { readonly type: "JSON"; readonly raw: string }
  /** The job or its metadata is of this Redis type. */
  | { readonly type: "BADTYPE"; readonly redisType: string }
  /** Its status is this unknown word. */
  | { readonly type: "BADSTATUS"; readonly status: string }
  /** It names this other runner. */
  | { readonly type: "OTHER"; readonly runner: string };

/** The end of an attempt. */
export interface FinishRequest extends OwnedAttempt {
  readonly state: "finished" | "error";
  readonly result: string;
  readonly error: string;
  /** Exit code as `runner wait` returns it. */
  readonly exitCode: number;
  /** Bytes of output that the program wrote. */
  readonly outputBytes: number;
  /** Whether part of the output was not captured. */
  readonly truncated?: boolean;
  /** Names of background programs that were killed at its end. */
  readonly left?: string;
  /** Milliseconds from start to end. */
  readonly ms: number;
  /** Seconds that Redis keeps the job; 0 keeps it for ever. */
  readonly keep: number;
  /** Milliseconds until the next attempt; `null` when no attempts are left or this end must not be retried. */
  readonly retryDelayMs: number | null;
}

/** Reply of `finish`. */
export interface FinishReply {
  /**
   * `OK`: the end is written. `ALREADY`: it was written before. `FINAL`: another program had ended the job, and that
   * end stays. `RETRY`: the job waits for its next attempt, or has begun it. `FENCED`: the attempt has another owner.
   * `MISSING`: Redis lost the job or its metadata; reassert, then finish again.
   */
  readonly type: "OK" | "ALREADY" | "MISSING" | "FENCED" | "FINAL" | "RETRY";
  /** Ended jobs for which more others wait than one event settles: `settle` goes on with them. */
  readonly open: readonly string[];
}

/** The host's record of an attempt that Redis may have lost. */
export interface ReassertRequest extends OwnedAttempt {
  readonly attempt: number;
  /** Redis' clock at the start, Unix milliseconds. */
  readonly startedMs: number;
  readonly job: JobFields;
  readonly meta: Readonly<Record<string, string>>;
}

/**
 * Reply of `reassert`. `OK`: Redis has the attempt as running here. `DONE`: its end is on record. `FENCED`: the job has
 * a newer attempt, or this one has lost its owner. `FINAL`: another program has ended the job.
 */
export type ReassertReply = "OK" | "FENCED" | "FINAL" | "DONE";

/** What happens to attempts of an instance whose lease ended: wait for its host, queue again, or end as lost. */
export type LostPolicy = "hold" | "requeue" | "fail";

/**
 * Reply of `reap`. `ALIVE`: the lease holds, or ended less than the grace ago. `GONE`: the instance does not hold the
 * id. `STALE`: the attempt was not the newest, or the job has ended. `HELD`: it waits for its host. `REQUEUED`: it is
 * next in the queue. `FAILED`: it was ended as lost.
 */
export type ReapReply = "ALIVE" | "GONE" | "STALE" | "HELD" | "REQUEUED" | "FAILED";

/**
 * Reply of `promote`. `PROMOTED`: the job is in the queue. `WAITS`: a job for which it waits has not ended. `SKIPPED`:
 * it was ended because of such a job. `EARLY`: it is not due. `GONE`: it is not delayed, or no longer a job.
 */
export type PromoteReply = "PROMOTED" | "WAITS" | "SKIPPED" | "EARLY" | "GONE";

/** Lease of another instance of the same runner name. */
export interface InstanceLease {
  readonly instance: string;
  /** Milliseconds since its lease ended; 0 or less while it holds. */
  readonly expiredMs: number;
}

/** What a runner's instance says of itself. */
export interface InstanceQueue {
  /** Makes this process the owner of its instance. */
  register(info: InstanceInfo, options?: RegisterOptions): Promise<RegisterReply>;
  /** Extends the lease, reports the attempts that run here, and returns orders for them. */
  heartbeat(attempts: readonly OwnedAttempt[], state: InstanceState): Promise<HeartbeatReply>;
  /**
   * Calls `wake` when the next heartbeat may return something new: an order for an attempt, or a job that is due soon.
   * A wake-up may be lost.
   */
  onWakeUp(wake: () => void): void;
  /**
   * Retires an instance that holds nothing; without a name our own, which is leaving.
   *
   * @returns Whether it held nothing and is retired.
   */
  retire(instance?: string): Promise<boolean>;
}

/** Ids that wait for a runner, and those that it has claimed. */
export interface ClaimQueue {
  /**
   * Claims up to `limit` jobs, the next to run first. Jobs with one of `executors` are started at once.
   *
   * @param executors Executor strings as the jobs name them, with "" for jobs that name none.
   * @param waited Id that `wait` has claimed; it is processed before the others.
   * @returns `FENCED` when another process owns the instance.
   */
  claim(limit: number, executors?: Iterable<string>, waited?: string): Promise<readonly Claimed[] | "FENCED">;
  /**
   * Claims the next job; when there is none, waits for one up to `waitMs`. Treat the reply as a wake-up: `claimed` is
   * authoritative.
   */
  wait(waitMs: number): Promise<RawId | null>;
  /** Returns the number of ids in the queue that no runner has claimed, and of parked ones. */
  length(): Promise<number>;
  /** Makes a pending `wait` and all later ones reject. */
  stopWaiting(): void;
  /** Returns the ids in the claim list, next to run first. */
  claimed(): Promise<readonly RawId[]>;
  /** Returns the executor of a claimed job, `null` when it names none; for choosing among jobs whose panes are busy. */
  peek(id: string): Promise<string | null>;
  /**
   * Gives a claimed id back to the queue, next to run. Release the newest claim first to keep their order.
   *
   * @returns Whether it was claimed and is queued again.
   */
  release(id: RawId): Promise<boolean>;
  /**
   * Moves a claimed id to the queue of the runner that the job names, once.
   *
   * @returns `GONE`: it is not claimed, or is no hash any more. `AGAIN`: it was moved before, or cannot be moved, and
   * the job was ended.
   */
  reroute(id: string, runner: string): Promise<"OK" | "GONE" | "AGAIN">;
  /** Moves a claimed id that is no runnable job to the dead letters; returns `false` when it is not claimed. */
  deadLetter(id: RawId, reason: string): Promise<boolean>;
  /** Turns a job stored as the JSON string `raw` into a hash; `CHANGED`: it is another string, or none, by now. */
  convert(id: string, raw: string, fields: JobFields): Promise<"OK" | "CHANGED">;
}

/** Attempts of the instance. */
export interface AttemptQueue {
  /** Starts a new attempt of a claimed job; with `anyRunner` also when the job names another runner. */
  start(id: string, options?: { anyRunner?: boolean }): Promise<StartReply>;
  /** Writes the end of an attempt once, or delays the job for its next attempt. */
  finish(request: FinishRequest): Promise<FinishReply>;
  /** Restores in Redis an attempt that runs, or recently ran, here, after Redis lost data. */
  reassert(request: ReassertRequest): Promise<ReassertReply>;
  /** Restores an ended attempt and its end in one step. Returns what `finish` returns, but never `MISSING`. */
  restore(request: ReassertRequest, end: FinishRequest): Promise<FinishReply>;
  /** Returns the end on record for an attempt, with its result; `null` when there is none, or a later attempt. */
  endOf(attempt: OwnedAttempt): Promise<SettledEnd | null>;
  /** Returns the number of the newest attempt of each job; 0 when it has none, or does not exist. */
  newestAttempts(ids: readonly string[]): Promise<readonly number[]>;
  /** Returns the attempts that this instance owns according to Redis. */
  owned(): Promise<readonly OwnedAttempt[]>;
}

/** Jobs with a due time. */
export interface DelayedQueue {
  /** Returns the ids of at most `limit` delayed jobs of our runner name that are due. */
  due(limit: number): Promise<readonly string[]>;
  /**
   * Moves a delayed job of `runner` (default: our own name) into the queue when it is due. `force` ignores the due time
   * of a job that waits for others.
   */
  promote(id: string, options?: { runner?: string; force?: boolean }): Promise<PromoteReply>;
  /**
   * Goes on with the jobs that wait for an ended one: queues, delays or skips the next of them.
   *
   * @returns The ended jobs for which others still wait.
   */
  settle(id: string): Promise<readonly string[]>;
  /** Returns at most `limit` ended jobs for which others may still wait. */
  unsettled(limit: number): Promise<readonly string[]>;
}

/** Other instances of the runner name, and what they hold. */
export interface OtherInstances {
  /** Returns the leases of the other instances of our runner name. */
  leases(): Promise<readonly InstanceLease[]>;
  /** Returns the claims and the attempts that an instance holds. */
  holdings(
    instance: string,
  ): Promise<{ readonly claims: readonly RawId[]; readonly attempts: readonly OwnedAttempt[] }>;
  /**
   * Removes a claim, or the attempt of a job id, from an instance whose lease ended at least `graceMs` ago.
   *
   * @param options `policy`: what happens to the attempt. `lostAfterMs`: milliseconds after which a job without a
   * timeout counts as lost.
   */
  reap(
    instance: string,
    what: { readonly claim: RawId } | { readonly attempt: string },
    options: { policy: LostPolicy; graceMs: number; lostAfterMs: number },
  ): Promise<ReapReply>;
}

/** What clients see of an attempt while it runs. */
export interface LiveAttempts {
  /** Records that an attempt waits for input; `line` is the terminal line that prompts for it. */
  inputRequired(attempt: OwnedAttempt, line: string): Promise<void>;
  /** Records that an attempt no longer waits for input; returns whether it was recorded as waiting. */
  inputResolved(attempt: OwnedAttempt): Promise<boolean>;
  /**
   * Appends a piece of live output; ignored once the end is reported.
   *
   * @param offset Bytes from the start of the attempt's output to the piece.
   * @param bytes May be empty, to ask only for the number of followers.
   * @returns The number of clients that follow the output.
   */
  appendOutput(attempt: OwnedAttempt, offset: number, bytes: Uint8Array): Promise<number>;
}

/** The runner's side of the queue, bound to one namespace, runner name, instance and process nonce. */
export interface Queue
  extends
    InstanceQueue,
    ClaimQueue,
    AttemptQueue,
    DelayedQueue,
    OtherInstances,
    LiveAttempts,
    DataHistory,
    ScheduleUser,
    LimitUser,
    RequestQueue {
  /** Deletes index entries of jobs that are no longer in Redis, at most `limit` a call; returns how many. */
  sweep(limit: number): Promise<number>;
  /** Closes the connections; a pending `wait` rejects. */
  close(): void;
}
