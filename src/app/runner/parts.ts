import type { Clock } from "../../ports/clock.ts";
import type { Executor } from "../../ports/executor.ts";
import type { Log } from "../../ports/log.ts";
import type { Ownership } from "../../ports/ownership.ts";
import type { LostPolicy, Queue, ReassertRequest } from "../../ports/queue.ts";
import type { Attempt, AttemptJournal } from "../../ports/attempt_journal.ts";

/** What a runner is told about its work; times in milliseconds. */
export interface RunnerSettings {
  /** Name of the runner, and so of its queue. */
  readonly name: string;
  /** Raw prefix of all keys. */
  readonly namespace: string;
  /** Jobs side by side. */
  readonly concurrency: number;
  /** Stop when the queue is empty. */
  readonly burst: boolean;
  /** Time between TERM and KILL. */
  readonly killGraceMs: number;
  /** Timeout of a job that names none; `null` for no limit. */
  readonly defaultTimeoutMs: number | null;
  /** Seconds that Redis keeps an ended job that names none; 0 for ever. */
  readonly keep: number;
  /** What becomes of the running jobs of a lost host. */
  readonly lostPolicy: LostPolicy;
  /** When `hold` gives up on a job without timeout. */
  readonly lostAfterMs: number;
  /** Jobs stored as JSON strings: run them, or put them aside. */
  readonly jsonJobs: "convert" | "reject";
  /** Jobs whose `runner` field names another runner. */
  readonly otherRunner: "reroute" | "run" | "error";
  /** What runs when a job has ended, and how long at the most; `null`: nothing. */
  readonly onEnd: { readonly command: string; readonly limitMs: number } | null;
  /** Pause between two heartbeats; every other period follows from it. */
  readonly heartbeatMs: number;
  /** Version of the program, for others to see. */
  readonly version: string;
  /** Name of the host and id of the process, for others to see. */
  readonly host: string;
  readonly pid: number;
}

/** The outside of the runner's loops. */
export interface RunnerParts {
  readonly queue: Queue;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly journal: AttemptJournal;
  /** Paths of files of the spool folder that are no longer those that this process opened; `null` when all is well. */
  readonly missing: { journal(): string | null; lock(): Promise<string | null> };
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RunnerSettings;
  /** Hex digits that stand for a text. */
  readonly digestOf: (text: string) => string;
  /** A place at which tests end the process; does nothing otherwise. */
  readonly checkpoint: (place: Checkpoint) => void;
}

/** Places between two steps where a process may die; tests kill it at each of them. */
export const CHECKPOINTS = [
  "after_register",
  "after_claim",
  "after_start",
  "after_journal",
  "after_launch",
  "after_end",
  "before_finish",
  "after_finish",
  "after_settle",
  "after_recover",
  "after_reassert",
  "before_release",
  "after_release",
] as const;

/** One of the places. */
export type Checkpoint = typeof CHECKPOINTS[number];

/** A run of this runner: started, adopted, or ended and not yet acknowledged. */
export interface ActiveAttempt {
  readonly attempt: Attempt;
  readonly executor: Executor;
  /** Runs with the same line go one after the other. */
  readonly serialKey: string | null;
  /** An earlier process launched it. */
  readonly adopted: boolean;
  /** `null` as long as it holds a slot; else it has ended. */
  ended: boolean;
  /** Why it is being stopped. */
  cancelReason: string | null;
  /** Bytes of output that were shown in Redis. */
  shown: number;
  /** When bytes were shown last, there were readers that follow them. */
  followed: boolean;
  /** Monotonic time at which it was launched or adopted. */
  readonly sinceMs: number;
  /** Monotonic time at which the attempt began, also under an earlier process. */
  readonly begunMs: number;
}

/** What the host tells a Redis that may have forgotten an attempt. */
export function reassertionOf(attempt: Attempt): ReassertRequest {
  const { id, token, number, startedMs, job, meta } = attempt;
  return { id, token, attempt: number, startedMs, job: { ...job, status: "started" }, meta };
}
