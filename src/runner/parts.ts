import type { HookRule } from "../domain/hook_event.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { Clock } from "../ports/clock.ts";
import type { Executor, OpenedExecutor } from "../ports/executor.ts";
import type { Log } from "../ports/log.ts";
import type { Ownership } from "../ports/ownership.ts";
import type { LostPolicy, Queue, ReassertRequest } from "../ports/queue.ts";
import type { Attempt, AttemptJournal } from "../ports/attempt_journal.ts";
import type { ScheduleSpool } from "../ports/schedules.ts";

/** Settings of a runner; times in milliseconds. */
export interface RunnerSettings {
  /** Name of the runner, and so of its queue. */
  readonly name: string;
  /** Raw prefix of all keys. */
  readonly namespace: string;
  /** Jobs that run at the same time. */
  readonly concurrency: number;
  /** True when the runner stops once the queue is empty. */
  readonly burst: boolean;
  /** Time between TERM and KILL. */
  readonly killGraceMs: number;
  /** Timeout of a job that names none; `null` for no limit. */
  readonly defaultTimeoutMs: number | null;
  /** Seconds that Redis keeps an ended job that names none; 0 for ever. */
  readonly keep: number;
  /** What happens to the running jobs of a lost host. */
  readonly lostPolicy: LostPolicy;
  /** Time after which `hold` gives up on a job without timeout. */
  readonly lostAfterMs: number;
  /** Handling of jobs stored as JSON strings: run them, or make them dead letters. */
  readonly jsonJobs: "convert" | "reject";
  /** Handling of jobs whose `runner` field names another runner. */
  readonly otherRunner: "reroute" | "run" | "error";
  /** Commands that run after events of jobs. */
  readonly hooks: readonly HookRule[];
  /** Milliseconds until a hook is stopped. */
  readonly hookLimitMs: number;
  /** Pause between two heartbeats; every other period is derived from it. */
  readonly heartbeatMs: number;
  /** Duration of a lease. */
  readonly leaseMs: number;
  /** Version of the program, for display. */
  readonly version: string;
  /** Name of the host, for display. */
  readonly host: string;
  /** Id of the process, for display. */
  readonly pid: number;
}

/** Dependencies of the runner's loops. */
export interface RunnerParts {
  readonly queue: Queue;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly journal: AttemptJournal;
  /** Return the path of a spool file that is no longer the one that this process opened; `null` when all is well. */
  readonly missing: { journal(): string | null; lock(): Promise<string | null> };
  readonly ownership: Ownership;
  /** The copy of all schedules. */
  readonly schedules: ScheduleSpool;
  /** Opens the calendar, which only schedules need. */
  readonly openCalendar: () => Promise<Calendar>;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RunnerSettings;
  /** Returns hex digits that identify a text. */
  readonly digestOf: (text: string) => string;
  /** Ends the process where a test requests it; does nothing otherwise. */
  readonly checkpoint: (place: Checkpoint) => void;
}

/** What a runner is made with: its parts but the executors, which it opens when it starts. */
export interface RunnerSetup extends Omit<RunnerParts, "executors"> {
  /**
   * Opens the executors. Rejects with the reason of `signal` when that aborts.
   *
   * @throws {SetupError} This host cannot run them.
   */
  openExecutors(signal: AbortSignal): Promise<readonly OpenedExecutor[]>;
}

/** Points between two steps where a process may die; tests kill it at each of them. */
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
  "before_schedule_fired",
  "after_schedule_fired",
  "after_cancel_last",
  "after_schedule_restore",
  "after_unpark",
] as const;

/** One of these points. */
export type Checkpoint = typeof CHECKPOINTS[number];

/** An attempt of this runner: started, adopted, or ended and not yet acknowledged. */
export interface ActiveAttempt {
  readonly attempt: Attempt;
  readonly executor: Executor;
  /** Attempts with the same serial key run one after the other; `null` for no such limit. */
  readonly serialKey: string | null;
  /** True when an earlier process launched it. */
  readonly adopted: boolean;
  /** True once the process has ended; the result may still be unacknowledged. */
  ended: boolean;
  /** Reason of the stop request; `null` when there is none. */
  cancelReason: string | null;
  /** Bytes of output that were published in Redis. */
  shown: number;
  /** True when clients followed the output at its last publication. */
  followed: boolean;
  /** Monotonic time at which it was launched or adopted. */
  readonly sinceMs: number;
  /** Monotonic time at which the attempt began, also under an earlier process. */
  readonly begunMs: number;
}

/** Returns what the host reports to a Redis that may have forgotten an attempt. */
export function reassertionOf(attempt: Attempt): ReassertRequest {
  const { id, token, number, startedMs, job, meta } = attempt;
  return { id, token, attempt: number, startedMs, job: { ...job, status: "started" }, meta };
}
