import type { Timetable } from "../domain/schedule.ts";
import type { Calendar } from "../ports/calendar.ts";

/** Returns the next times of a timetable after `afterMs`, at most `count`. */
export function nextTimes(calendar: Calendar, timetable: Timetable, { afterMs, count }: {
  readonly afterMs: number;
  readonly count: number;
}): number[] {
  const times: number[] = [];
  for (let at = calendar.next(timetable, afterMs); at !== null && times.length < count;) {
    times.push(at);
    at = calendar.next(timetable, at);
  }
  return times;
}
