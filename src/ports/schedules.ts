/**
 * Schedules in Redis: records, their changes, and firings. Every change is one atomic step that is safe to repeat.
 *
 * @module
 */
import type { ScheduleDefinition } from "../domain/schedule.ts";
import type { Submission } from "../domain/submission.ts";
import type { LimitStore } from "./limits.ts";
import type { JobStore } from "./job_store.ts";

/** Fields of a record, as Redis stores them. */
export type ScheduleFields = Readonly<Record<string, string>>;

/** All schedules as Redis stores them; runners keep copies of this. */
export interface ScheduleCopy {
  /** Birth and version of the schedules, with a blank between; empty when there are none. */
  readonly mark: string;
  /** Fields of every schedule by name, removed ones included. */
  readonly records: Readonly<Record<string, ScheduleFields>>;
}

/** What a heartbeat reports of the schedules. */
export interface SchedulePlans extends Pick<ScheduleCopy, "mark"> {
  /** Milliseconds until the first one is to be checked; `null` when none is. */
  readonly dueInMs: number | null;
}

/** A schedule; times are Unix milliseconds. */
export interface StoredSchedule extends ScheduleDefinition {
  readonly name: string;
  readonly revision: string;
  /** Time of the next firing; `null` when there is none. */
  readonly nextMs: number | null;
  /** Time of the last firing that made a job; `null` when there is none. */
  readonly lastMs: number | null;
  /** Id of the job of the last firing; empty when there is none. */
  readonly job: string;
  /** Firing that waits for the end of that job; `null` when none does. */
  readonly heldMs: number | null;
  /** Whether that firing can only wait, because that job has not ended and is not to be cancelled. */
  readonly waits: boolean;
  /** The last firing that made no job; `null` when there is none. */
  readonly skipped: { readonly ms: number; readonly why: string } | null;
  readonly paused: boolean;
}

/** All schedules at one moment. */
export interface ScheduleList extends ScheduleCopy {
  /** Redis' clock. */
  readonly nowMs: number;
  /** Nothing fires until then, because Redis lost data; 0 when it did not. */
  readonly holdMs: number;
  /** Those that are not removed, by name. */
  readonly schedules: readonly StoredSchedule[];
}

/** One firing of a schedule. */
export interface Firing {
  /** The schedule as it was read. */
  readonly schedule: StoredSchedule;
  /** Its planned time, or a later one when that was missed. */
  readonly timeMs: number;
  /** The next time after it. */
  readonly nextMs: number | null;
  /** Milliseconds after which a firing was missed. */
  readonly graceMs: number;
  /** Its job. */
  readonly submission: Submission & { readonly id: string };
  /** Id of the job for the planned time. */
  readonly plannedId: string;
}

/**
 * Reply of `scheduleFired`. `FIRED`: its job is submitted. `EXISTS`: that was done before. `RUNNING`: it is skipped,
 * because the last job has not ended. `MISSED`: it is skipped, because no runner was there in time. `OLD`: it is not
 * later than the last firing. `HELD`: it waits for the end of the last job; `cancels`: that is to be cancelled.
 * `EARLY`: it is not due. `CHANGED`: the schedule is another one by now, or has fired.
 */
export type FiringReply =
  | { readonly type: "FIRED" | "EXISTS" | "RUNNING" | "MISSED" | "OLD" | "EARLY" | "CHANGED" }
  | { readonly type: "HELD"; readonly cancels: boolean };

/** Schedules as a runner uses them. */
export interface ScheduleQueue {
  /** Reads all schedules. */
  read(): Promise<ScheduleList>;
  /** Fires a schedule once for one of its times. */
  scheduleFired(firing: Firing): Promise<FiringReply>;
  /**
   * Restores a schedule from a copy after Redis lost data; then none fires for `holdMs`. Returns `false` when Redis has
   * all that the copy has.
   */
  scheduleRestore(name: string, fields: ScheduleFields, holdMs: number): Promise<boolean>;
  /** Cancels the job of a firing, so that the next one can follow. */
  cancelLast(id: string): Promise<void>;
}

/** A queue with schedules. */
export interface ScheduleUser {
  /** Schedules of the whole namespace. */
  readonly schedules: ScheduleQueue;
}

/** How a schedule goes on after a pause. */
export interface Resumption extends Pick<StoredSchedule, "revision" | "nextMs"> {}

/** Schedules as clients use them. */
export interface ScheduleStore {
  /** Reads all schedules. */
  read(): Promise<ScheduleList>;
  /** Adds a schedule, or replaces the one of its name; returns whether it is paused. */
  scheduleAdd(name: string, definition: ScheduleDefinition, nextMs: number | null): Promise<boolean>;
  /** Pauses a schedule, or resumes the one that was read, with a next firing. */
  schedulePause(name: string, how: "pause" | Resumption): Promise<"OK" | "MISSING" | "CHANGED">;
  /** Removes a schedule, whose last firing stays on record for `keepMs`; returns `false` when there is none. */
  scheduleRemove(name: string, keepMs: number): Promise<boolean>;
}

/** The clients' side of Redis, with schedules and limits. */
export interface ClientStore extends JobStore {
  /** Limits of the namespace. */
  readonly limits: LimitStore;
  /** Schedules of the namespace. */
  readonly schedules: ScheduleStore;
}

/** The copy of all schedules that a runner keeps on its host. */
export interface ScheduleSpool {
  /** Returns the copy; an empty one when there is none. */
  load(): Promise<ScheduleCopy>;
  save(copy: ScheduleCopy): Promise<void>;
}
