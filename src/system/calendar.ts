import { Cron } from "npm:croner@^11.0.1";
import { parseDuration } from "../domain/duration.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { MAX_TIME } from "../domain/limits.ts";
import type { Timetable } from "../domain/schedule.ts";
import type { Calendar } from "../ports/calendar.ts";

/** The calendar of the library croner, and `@every`. */
export const systemCalendar: Calendar = {
  next(timetable, afterMs) {
    const every = /^@every\s+(\S+)$/.exec(timetable.cron.trim());
    if (every) return nextMultiple(parseDuration(every[1]), timetable, afterMs);
    return nextTime(timetable, afterMs);
  },
};

function refuse(cron: string, why: string): never {
  throw new InvalidInputError(
    `Cannot use schedule ${JSON.stringify(cron)}: ${why}; write for example '0 3 * * *', @daily or '@every 90s'`,
  );
}

function nextMultiple(seconds: number, { cron, sinceMs }: Timetable, afterMs: number): number | null {
  if (!Number.isInteger(seconds) || seconds < 1) refuse(cron, "@every counts whole seconds");
  const [first, step] = [Math.floor(sinceMs / 1000) * 1000, seconds * 1000];
  const time = first + Math.max(1, Math.floor((afterMs - first) / step) + 1) * step;
  return time < MAX_TIME ? time : null;
}

function nextTime({ cron, tz }: Timetable, afterMs: number): number | null {
  // croner would read these as a single date, in a zone of its own
  if (!/^(@\w+|\S+(\s+\S+){4,5})$/.test(cron.trim())) refuse(cron, "it has neither five nor six fields");
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: tz }).resolvedOptions();
    return new Cron(cron.trim(), { timezone: timeZone, paused: true }).nextRun(new Date(afterMs))?.getTime() ?? null;
  } catch (error) {
    if (error instanceof RangeError && /time zone/i.test(error.message)) {
      throw new InvalidInputError(
        `Cannot use time zone ${JSON.stringify(tz)}: this host has none of that name; write for example Europe/Berlin`,
      );
    }
    const { message } = error as Error;
    if (cron.trim().startsWith("@")) refuse(cron, "there is no such word");
    refuse(cron, message.replace(/^Cron\w+: /, "").replace(/\.$/, ""));
  }
}
