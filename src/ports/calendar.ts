/** Reads cron expressions. */
import type { Timetable } from "../domain/schedule.ts";

/** Computes times at which schedules fire. */
export interface Calendar {
  /**
   * Returns the first time after `afterMs`, a whole second in Unix milliseconds; `null` when there is none.
   *
   * @throws {InvalidInputError} The expression or the time zone cannot be read.
   */
  next(timetable: Timetable, afterMs: number): number | null;
}
