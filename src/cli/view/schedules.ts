import type { ScheduleView } from "../../client/schedules.ts";
import { formatDuration } from "../../domain/duration.ts";
import { timeJson } from "./job_json.ts";
import { type Column, table } from "./table.ts";
import { pad, printable, printableLines, styled } from "./text.ts";

/** The style of schedules; `time` formats points in time, `room` is the width of the terminal. */
export interface ScheduleStyle {
  readonly time: (ms: number) => string;
  readonly room: number | null;
  readonly color: boolean;
}

/** Returns the expression, with its time zone where that is not UTC. */
function whenOf({ schedule: { cron, tz } }: ScheduleView): string {
  return tz === "UTC" ? cron : `${cron} ${tz}`;
}

/** Returns how the job of the last firing ended, or its state. */
function outcomeOf({ schedule, outcome }: ScheduleView): string {
  if (schedule.job === "") return "";
  if (outcome === null) return "no longer in Redis";
  return outcome.status === "error" ? outcome.error || "error" : outcome.status || "dispatched";
}

/** Returns what a person should be aware of. */
function notesOf({ schedule, isServed }: ScheduleView, { time }: Pick<ScheduleStyle, "time">): string[] {
  const { paused, heldMs, job, skipped, lastMs, catchUp, submission } = schedule;
  const isNews = skipped !== null && skipped.ms > (lastMs ?? 0);
  const why = skipped?.why === "running" ? "the last job had not ended" : "no runner was there";
  return [
    ...paused ? ["paused"] : [],
    ...isServed ? [] : [`no runner ${JSON.stringify(submission.runner)} is alive`],
    ...heldMs === null ? [] : [`the firing of ${time(heldMs)} waits for the end of ${job}`],
    ...isNews ? [`skipped ${time(skipped!.ms)}: ${why}`] : [],
    catchUp === 0 ? "missed firings are not made up" : `a missed firing is made up for ${formatDuration(catchUp)}`,
  ];
}

/** Formats schedules as a table. */
export function showSchedules(views: readonly ScheduleView[], style: ScheduleStyle): string {
  const at = (ms: number | null) => ms === null ? "" : style.time(ms);
  const columns: Column<ScheduleView>[] = [
    { title: "NAME", value: ({ schedule }) => schedule.name },
    { title: "WHEN", value: whenOf },
    { title: "NEXT", value: ({ schedule }) => schedule.paused ? "" : at(schedule.nextMs) },
    { title: "LAST", value: ({ schedule }) => at(schedule.lastMs) },
    {
      title: "OUTCOME",
      value: outcomeOf,
      flexible: true,
      style: ({ outcome }) => outcome?.status === "error" ? "red" : null,
    },
    { title: "NOTES", value: (view) => notesOf(view, style).join("; "), flexible: true },
  ];
  return table(views, columns, { room: style.room, color: style.color });
}

/** Formats everything about one schedule. Values of its environment are not shown. */
export function showSchedule(view: ScheduleView, style: ScheduleStyle): string {
  const { schedule } = view;
  const { submission, overlap, catchUp, jitter, nextMs, lastMs, paused, job } = schedule;
  const lines: [string, string][] = [
    ["schedule", schedule.name],
    ["when", whenOf(view)],
    ["next", paused || nextMs === null ? "" : style.time(nextMs)],
    ["last", lastMs === null ? "" : style.time(lastMs)],
    ["job", job],
    ["outcome", outcomeOf(view)],
    ["overlap", overlap],
    ["catch-up", catchUp === 0 ? "" : formatDuration(catchUp)],
    ["jitter", jitter === 0 ? "" : formatDuration(jitter)],
    ["runner", submission.runner],
    ["executor", submission.executor],
    ["title", submission.title ?? ""],
    ["env", Object.keys(submission.env ?? {}).join(" ")],
    ...notesOf(view, style).map((note): [string, string] => ["note", note]),
  ];
  const text = lines.filter(([, value]) => value !== "").map(([name, value]) =>
    `${styled(pad(name, 10), "bold", style.color)}${printable(value)}\n`
  );
  return `${text.join("")}\n${printableLines(submission.payload.trimEnd())}\n`;
}

/** Returns a schedule for JSON: times RFC 3339 UTC, durations in seconds. */
export function scheduleJson({ schedule, outcome, isServed }: ScheduleView): Record<string, unknown> {
  const { name, cron, tz, overlap, catchUp, jitter, nextMs, lastMs, heldMs, skipped, paused, job } = schedule;
  const { payload, runner, executor, title = null, labels = {} } = schedule.submission;
  return {
    ...{ name, cron, tz, overlap, catch_up: catchUp, jitter, paused },
    next: paused ? null : timeJson(nextMs),
    last: timeJson(lastMs),
    last_job: job || null,
    last_status: outcome?.status ?? null,
    last_error: outcome?.error || null,
    held: timeJson(heldMs),
    skipped: skipped && { time: timeJson(skipped.ms), why: skipped.why },
    served: isServed,
    ...{ runner, executor, title, labels, payload },
  };
}
