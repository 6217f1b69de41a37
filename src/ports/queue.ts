/**
 * What a runner asks of the queue. Every method is one event of src/domain/lifecycle.ts, one step that happens wholly
 * or not at all, and is safe to repeat. All reject with `UnavailableError` when Redis cannot be reached: whether the
 * step happened is then unknown, and repeating it is right.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";
import type { RequestQueue } from "./requests.ts";
import type { SettledEnd } from "./attempt_journal.ts";

/**
 * Why Redis is of no use now. `unreachable`: there is no connection, or it broke. `busy`: it loads its data or runs a
 * long script. `full`: it takes no new data, but ends of jobs can still be told. `refused`: our password or a right is
 * wrong. `unfit`: it is no Redis that we can use, or a key of ours holds something foreign. The first three pass by
 * themselves.
 */
export type Condition = "unreachable" | "busy" | "full" | "refused" | "unfit";

/** What every `UnavailableError` of the ports says about itself. */
export interface Trouble {
  readonly condition: Condition;
  /** The step may have happened. */
  readonly sent: boolean;
  /** First word of Redis' error reply, such as `OOM`; undefined when there was none. */
  readonly code?: string;
  /** The message without the step that failed: for those who know better what a person wanted. */
  readonly says?: string;
  /** What to do, when that is known. */
  readonly remedy?: string;
}

/** An id as bytes: what a foreign client put into a queue need not be UTF-8. */
export type RawId = Uint8Array;

/** What others may know about a runner instance. */
export interface InstanceInfo {
  /** Identity of the host's current boot. */
  readonly bootId: string;
  /** Name of the host. */
  readonly host: string;
  /** Process id of the runner. */
  readonly pid: number;
  /** Version of the program. */
  readonly version: string;
  /** Jobs it runs side by side. */
  readonly slots: number;
  /** Prefix of the command that attaches to its terminals, such as `tmux -L runner-x attach -t`. */
  readonly attach: string;
}

/**
 * Whether the runner takes jobs: not while it is `restoring`, until all hosts have brought back what a Redis may have
 * lost.
 */
export type InstanceState = "up" | "restoring" | "draining" | "detached";

/** An attempt that this instance owns. */
export interface OwnedAttempt {
  /** Id of the job. */
  readonly id: string;
  /** `ATTEMPT.NONCE`: fencing token of the attempt. */
  readonly token: string;
}

/** How a process registers. */
export interface RegisterOptions {
  /** Earlier processes of which it is certain that they are gone. */
  readonly proof?: readonly string[];
  /** All that ran in this very folder, as far as it remembers them. */
  readonly lineage?: readonly string[];
  /** Redis has everything again that this instance knows, up to the last number that it was told. */
  readonly restored?: boolean;
  /** All that another folder of this identity may have run has its end. */
  readonly unmixed?: boolean;
}

/** Answer to `register`. */
export type RegisterReply =
  /** `seq`: up to which of its own numbers Redis knows this instance; 0 when it knows nothing. */
  | {
    readonly type: "OK";
    readonly seq: number;
    /**
     * Another spool folder had this identity since this one brought everything back: it may have run what is on record
     * here.
     */
    readonly mixed: boolean;
    /** The data has another history than when it was last known to be whole. */
    readonly stale: boolean;
  }
  | { readonly type: "BUSY"; readonly msLeft: number; readonly host: string };

/** Answer to `heartbeat`. */
export type HeartbeatReply =
  | { readonly type: "LOST" | "FENCED" }
  | {
    readonly type: "OK";
    /** Runs that Redis gave to somebody else. */
    readonly fenced: readonly OwnedAttempt[];
    /** Runs that Redis does not know: it lost data. */
    readonly unknown: readonly string[];
    /** Jobs that are to be stopped, with the reason. */
    readonly cancel: readonly { readonly id: string; readonly reason: string }[];
    /** Redis counts other runs of this instance than the ones named. */
    readonly extra: boolean;
    /** Ids in the claim list. */
    readonly claims: number;
    /** The queue is paused. */
    readonly paused: boolean;
    /** The lease of another instance has ended. */
    readonly overdue: boolean;
    /** Milliseconds until the first delayed job is due; `null` when there is none. */
    readonly dueInMs: number | null;
  };

/** A claimed id. */
export interface Claimed {
  readonly raw: RawId;
  /** Answer to its start; `null` when it is not to be started yet. */
  readonly reply: StartReply | null;
}

/** Answer to `start`. */
export type StartReply =
  | {
    /**
     * `OK`: a new attempt; `HELD`: this process already owns the attempt (a reply was lost, or the id was queued
     * twice).
     */
    readonly type: "OK" | "HELD";
    readonly token: string;
    readonly attempt: number;
    /**
     * Number of this instance that Redis has given since this start or before: one that knows a smaller one last lacks
     * it.
     */
    readonly seq: number;
    readonly job: JobFields;
    /** Job metadata: `retry_max`, `backoff_from`, `backoff_to`, `keep`, `cwd`, `title` ... as `submit` wrote them. */
    readonly meta: Readonly<Record<string, string>>;
  }
  | { readonly type: "FENCED" | "GONE" | "MISSING" | "FINAL" | "DUP" | "CANCELLED" | "TOOBIG" }
  | { readonly type: "JSON"; readonly raw: string }
  | { readonly type: "BADTYPE"; readonly redisType: string }
  | { readonly type: "BADSTATUS"; readonly status: string }
  | { readonly type: "OTHER"; readonly runner: string };

/** The end of an attempt. */
export interface FinishRequest extends OwnedAttempt {
  readonly state: "finished" | "error";
  readonly result: string;
  readonly error: string;
  /** As `runner wait` gives it. */
  readonly exitCode: number;
  /** Output in bytes, as the program wrote it. */
  readonly outputBytes: number;
  /** Part of the output was not captured. */
  readonly truncated?: boolean;
  /** Names of programs that were killed in the background at its end. */
  readonly left?: string;
  /** Milliseconds from start to end. */
  readonly ms: number;
  /** Seconds that Redis keeps the job; 0 for ever. */
  readonly keep: number;
  /**
   * Milliseconds until the next attempt, when attempts are left and the end is one that may be retried; else `null`.
   */
  readonly retryDelayMs: number | null;
}

/** Answer to `finish`. */
export interface FinishReply {
  readonly type: "OK" | "ALREADY" | "MISSING" | "FENCED" | "FINAL" | "RETRY";
  /** Jobs, as `[runner, id]`, that waited for the end of this one and should be promoted. */
  readonly waiters: readonly (readonly [runner: string, id: string])[];
}

/** What the host knows about an attempt that Redis may have forgotten. */
export interface ReassertRequest extends OwnedAttempt {
  readonly attempt: number;
  readonly startedMs: number;
  readonly job: JobFields;
  readonly meta: Readonly<Record<string, string>>;
}

/** Answer to `reassert`: as `reassert.lua` says. */
export type ReassertReply = "OK" | "FENCED" | "FINAL" | "DONE";

/** What to do with runs of an instance whose lease ended: wait for its host, run again, or end them as lost. */
export type LostPolicy = "hold" | "requeue" | "fail";

/** Answer to `reap`. */
export type ReapReply = "ALIVE" | "GONE" | "STALE" | "HELD" | "REQUEUED" | "FAILED";

/** Answer to `promote`. */
export type PromoteReply = "PROMOTED" | "WAITS" | "FAILED" | "EARLY" | "GONE";

/** Another instance of the same runner name, as `peers` sees it. */
export interface InstanceLease {
  readonly instance: string;
  /** Milliseconds since its lease ended; 0 or less: alive. */
  readonly expiredMs: number;
}

/** The runner's side of the queue, bound to one namespace, runner name, instance and process nonce. */
export interface Queue extends RequestQueue {
  register(info: InstanceInfo, options?: RegisterOptions): Promise<RegisterReply>;
  heartbeat(attempts: readonly OwnedAttempt[], state: InstanceState): Promise<HeartbeatReply>;
  /**
   * Calls `wake` when the next heartbeat may have news: an order for a run, or a job that is due soon. A call may be
   * missed.
   */
  onWakeUp(wake: () => void): void;
  /** Without a name: our own instance, which leaves. Answers whether it held nothing and is gone. */
  retire(instance?: string): Promise<boolean>;

  /**
   * Claims up to `limit` jobs, the next to run first, and starts those at once whose executor is one of `executors`, as
   * the job says it, with "" for none. The job `waited`, which `wait` has claimed, goes before them. Answers `FENCED`
   * when another process owns the instance.
   */
  claim(limit: number, executors?: Iterable<string>, waited?: string): Promise<readonly Claimed[] | "FENCED">;
  /**
   * Claims the next job; when there is none, waits for one up to `waitMs`. The reply is a wake-up; `claimed` is the
   * truth.
   */
  wait(waitMs: number): Promise<RawId | null>;
  /** Ids in the queue that no runner has claimed. */
  length(): Promise<number>;
  /** Ends a `wait`, which rejects, and every later one. */
  stopWaiting(): void;
  /** Ids in the claim list, next to run first. */
  claimed(): Promise<readonly RawId[]>;
  /** Executor of a claimed job, `null` when it says none; for choosing among jobs whose panes are busy. */
  peek(id: string): Promise<string | null>;
  /** Numbers of the newest attempts of some jobs; 0 for one that has none, or is not there. */
  newestAttempts(ids: readonly string[]): Promise<readonly number[]>;
  /** Attempts that Redis says this instance owns. */
  owned(): Promise<readonly OwnedAttempt[]>;

  /** `anyRunner`: also when the job names another runner. */
  start(id: string, options?: { anyRunner?: boolean }): Promise<StartReply>;
  finish(request: FinishRequest): Promise<FinishReply>;
  /** Answers whether it was claimed and is next to run again. Give back the newest claim first to keep their order. */
  release(id: RawId): Promise<boolean>;
  /** `AGAIN`: it was moved before, or cannot be: the job was ended. */
  reroute(id: string, runner: string): Promise<"OK" | "GONE" | "AGAIN">;
  deadLetter(id: RawId, reason: string): Promise<boolean>;
  convert(id: string, raw: string, fields: JobFields): Promise<"OK" | "CHANGED">;
  reassert(request: ReassertRequest): Promise<ReassertReply>;
  /** Gives back an attempt that has ended, and its end, in one step. Answers as `finish`, but never `MISSING`. */
  restore(request: ReassertRequest, end: FinishRequest): Promise<FinishReply>;
  /** The end that Redis has on record for an attempt, with its result; `null` when it has none, or a later attempt. */
  endOf(attempt: OwnedAttempt): Promise<SettledEnd | null>;

  /** Ids among the delayed jobs of `runner` (default: our own) that are due, at most `limit`. */
  due(limit: number): Promise<readonly string[]>;
  /** `force` ignores the due time of a job that waits for another one. */
  promote(id: string, options?: { runner?: string; force?: boolean }): Promise<PromoteReply>;

  /** All instances of our runner name, with their leases. */
  leases(): Promise<readonly InstanceLease[]>;
  /** Claims and runs that an instance holds. */
  holdings(
    instance: string,
  ): Promise<{ readonly claims: readonly RawId[]; readonly attempts: readonly OwnedAttempt[] }>;
  reap(
    instance: string,
    what: { readonly claim: RawId } | { readonly attempt: string },
    options: { policy: LostPolicy; graceMs: number; lostAfterMs: number },
  ): Promise<ReapReply>;

  /** `line`: what the terminal of the run shows where somebody is to type. */
  inputRequired(attempt: OwnedAttempt, line: string): Promise<void>;
  /** Answers whether it was said before that the run waits. */
  inputResolved(attempt: OwnedAttempt): Promise<boolean>;
  /**
   * Adds a piece of live output, which counts only before the end is told; `offset` counts bytes from the start of the
   * attempt's output. Answers how many follow it; an empty piece only asks that.
   */
  appendOutput(attempt: OwnedAttempt, offset: number, bytes: Uint8Array): Promise<number>;
  /** Forgets index entries of jobs that left Redis, at most `limit` a call; answers how many. */
  sweep(limit: number): Promise<number>;
  /** Identity of the Redis server process and of its data; a change means that data may have been lost. */
  serverId(): Promise<string>;
  /** From now on jobs are claimed only from that Redis. */
  trust(serverId: string): void;
  /** All instances of this runner had the time to bring back what they run: the data is whole. */
  seal(): Promise<void>;
  /**
   * Which of some instances have brought back everything that they run since Redis has the history of its data that it
   * has now.
   */
  back(instances: readonly string[]): Promise<readonly string[]>;
  /** Redis has given this instance that number, to this process or an earlier one. */
  recall(seq: number): void;
  /** Milliseconds since a time of Redis' clock, Unix ms; about, and 0 for one that is not known. */
  ageOf(ms: number): number;
  /** The last number that Redis has given. Nothing is claimed or started as long as Redis knows a smaller one. */
  readonly reported: number;
  /** Rises with each sign that Redis may have lost data. */
  readonly doubts: number;
  /** Ends the connections; a `wait` rejects. */
  close(): void;
}
