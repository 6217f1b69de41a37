import { InvalidInputError } from "./errors.ts";
import type { Submission } from "./submission.ts";

/**
 * What happens to a firing of a schedule while the job of its last firing has not ended. `skip`: it makes no job.
 * `queue`: it waits for that end; at most one waits. `replace`: that job is cancelled, and the firing follows its end.
 *
 * ```ts no-eval
 * import { Client, type Overlap } from "@hero/runner";
 *
 * const overlap: Overlap = "replace";
 * await using client = await Client.connect();
 * await client.schedules.add({ name: "mirror", cron: "@hourly", job: { payload: "make mirror" }, overlap });
 * ```
 */
export type Overlap = "skip" | "queue" | "replace";

/** The words of `Overlap`. */
export const OVERLAPS: readonly Overlap[] = ["skip", "queue", "replace"];

/** The times at which a schedule fires. */
export interface Timetable {
  /** Five or six fields, a word such as `@daily`, or `@every 90s`. */
  readonly cron: string;
  /** Name of the time zone in which the fields are read. */
  readonly tz: string;
  /** Unix milliseconds from which `@every` counts. */
  readonly sinceMs: number;
}

/** What a schedule does, as it is stored. */
export interface ScheduleDefinition extends Timetable {
  readonly overlap: Overlap;
  /** Seconds for which a missed firing may be made up; 0: not at all. */
  readonly catchUp: number;
  /** Seconds by which the start of a job may be delayed at random. */
  readonly jitter: number;
  /** The job of every firing; it has no id. */
  readonly submission: Submission;
}

/**
 * Checks the name of a schedule.
 *
 * @throws {InvalidInputError} It is no name.
 */
export function checkScheduleName(name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name)) return;
  throw new InvalidInputError(
    `Cannot use schedule ${JSON.stringify(name)}: a name has up to 100 letters, digits, "_", "." and "-", ` +
      `and begins with none of the last two`,
  );
}
