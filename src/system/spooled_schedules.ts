import type { ScheduleCopy, ScheduleFields, ScheduleSpool } from "../ports/schedules.ts";
import { systemFiles } from "./files.ts";

const NONE: ScheduleCopy = { mark: "", records: {} };

/** Keeps the copy of all schedules in a file, mode 0600. A file that holds something else counts as none. */
export function spooledSchedules(path: string): ScheduleSpool {
  return {
    load: async () => readCopy(await systemFiles.readText(path) ?? "") ?? NONE,
    save: (copy) => systemFiles.replace(path, JSON.stringify({ mark: copy.mark, records: copy.records })),
  };
}

function readCopy(text: string): ScheduleCopy | null {
  try {
    const { mark, records } = JSON.parse(text) as ScheduleCopy;
    return typeof mark === "string" && Object.values(records).every(isRecord) ? { mark, records } : null;
  } catch {
    return null;
  }
}

function isRecord(fields: ScheduleFields): boolean {
  return Object.values(fields).every((value) => typeof value === "string");
}
