import { DEFAULT_EXECUTOR, DEFAULT_RUNNER } from "../domain/limits.ts";
import type { Overlap } from "../domain/schedule.ts";
import type { Submission } from "../domain/submission.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { ClientStore } from "../ports/schedules.ts";
import {
  addSchedule,
  checkSchedule,
  listSchedules,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  runSchedule,
  type ScheduleView,
} from "./schedules.ts";

/**
 * A schedule to be added; durations are in seconds.
 *
 * ```ts no-eval
 * import { Client, type NewSchedule } from "@hero/runner";
 *
 * const nightly: NewSchedule = { name: "report", cron: "0 3 * * *", tz: "Europe/Berlin", job: { payload: "make report"
 * } }; await using client = await Client.connect(); await client.schedules.add(nightly);
 * ```
 */
export interface NewSchedule {
  /** Up to 100 letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Five or six fields, a word such as `@daily`, or `@every 90s`. */
  readonly cron: string;
  /** Time zone of the expression; default `UTC`. */
  readonly tz?: string;
  /** What happens to a firing while the last job has not ended; default `skip`. */
  readonly overlap?: Overlap;
  /** Makes up the newest missed firing if it is younger than this; default 0: never. */
  readonly catchUp?: number;
  /** Delays each start at random, by this time at most; default 0. */
  readonly jitter?: number;
  /** The job of every firing, without `id`, `after`, `afterEnd` and `notBeforeMs`. */
  readonly job: Omit<Partial<Submission>, "id" | "after" | "afterEnd" | "notBeforeMs"> & Pick<Submission, "payload">;
}

/**
 * A schedule as it is stored, and how its last job ended. Times are Unix milliseconds by Redis' clock.
 *
 * ```ts no-eval
 * import { Client, type Schedule } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const failed = (await client.schedules.list()).filter(({ lastStatus }: Schedule) => lastStatus === "error");
 * console.log(failed.map(({ name, lastError }) => `${name}: ${lastError}`));
 * ```
 */
export interface Schedule extends Required<Omit<NewSchedule, "job">> {
  /** The job of every firing. */
  readonly job: Submission;
  /** Whether it is paused. */
  readonly paused: boolean;
  /** Time of the next firing; `null` when there is none. */
  readonly nextMs: number | null;
  /** Time of the last firing that made a job; `null` when there is none. */
  readonly lastMs: number | null;
  /** Id of the job of the last firing; `null` when there is none. */
  readonly lastJob: string | null;
  /** Status of that job; `null` when Redis no longer has it. */
  readonly lastStatus: string | null;
  /** Its `error`; `null` when it has none. */
  readonly lastError: string | null;
  /** Whether a live runner serves the queue of its jobs. */
  readonly isServed: boolean;
}

/** What schedules need besides Redis. */
export interface ScheduleTools {
  /** Opens the calendar. */
  openCalendar(): Promise<Calendar>;
  /** Parses an executor string; throws when no executor accepts it. */
  checkExecutor(target: string): void;
}

/**
 * Schedules of a namespace, `Client.schedules`. All functions reject with `InvalidInputError` when there is no schedule
 * of the name.
 *
 * ```ts no-eval
 * import { Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * await client.schedules.add({ name: "backup", cron: "@daily", job: { payload: "make backup", timeout: 7200 } });
 * const id = await client.schedules.run("backup");
 * console.log((await client.wait(id)).exitCode);
 * ```
 */
export class Schedules {
  readonly #store: ClientStore;
  readonly #tools: ScheduleTools;

  /** Made by `Client`. */
  constructor(store: ClientStore, tools: ScheduleTools) {
    this.#store = store;
    this.#tools = tools;
  }

  /**
   * Adds a schedule, or replaces the one of its name; one that is paused stays so.
   *
   * @returns Time of its next firing, Unix milliseconds.
   * @throws {InvalidInputError} It is invalid or never fires; nothing was changed.
   */
  async add(schedule: NewSchedule): Promise<number> {
    const { name, cron, tz = "UTC", overlap = "skip", catchUp = 0, jitter = 0, job } = schedule;
    const { runner = DEFAULT_RUNNER, executor = DEFAULT_EXECUTOR } = job;
    const draft = { name, cron, tz, overlap, catchUp, jitter, submission: { ...job, runner, executor } };
    const calendar = await this.#tools.openCalendar();
    checkSchedule(draft, calendar, (target) => this.#tools.checkExecutor(target));
    return (await addSchedule(this.#store, draft, calendar)).nextMs;
  }

  /** Returns all schedules, by name. */
  async list(): Promise<readonly Schedule[]> {
    return (await listSchedules(this.#store)).map(publicOf);
  }

  /** Pauses a schedule: it does not fire until it is resumed. */
  async pause(name: string): Promise<void> {
    await pauseSchedule(this.#store, name);
  }

  /**
   * Resumes a schedule. What it missed is not made up.
   *
   * @returns Time of its next firing, Unix milliseconds; `null` when there is none.
   */
  async resume(name: string): Promise<number | null> {
    return await resumeSchedule(this.#store, name, await this.#tools.openCalendar());
  }

  /**
   * Submits the job of a schedule now, whatever its overlap, also when it is paused.
   *
   * @returns Id of the job: `NAME@TIME.manual-N`.
   */
  async run(name: string): Promise<string> {
    return await runSchedule(this.#store, name);
  }

  /** Removes a schedule; its jobs stay. */
  async remove(name: string): Promise<void> {
    await removeSchedule(this.#store, name);
  }
}

function publicOf({ schedule, outcome, isServed }: ScheduleView): Schedule {
  const { name, cron, tz, overlap, catchUp, jitter, submission, paused, nextMs, lastMs, job } = schedule;
  return {
    ...{ name, cron, tz, overlap, catchUp, jitter, job: submission, paused, lastMs, isServed },
    nextMs: paused ? null : nextMs,
    lastJob: job || null,
    lastStatus: outcome?.status ?? null,
    lastError: outcome?.error || null,
  };
}
