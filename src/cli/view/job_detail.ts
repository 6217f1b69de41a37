import type { Dependencies } from "../../client/dependencies.ts";
import type { JobView } from "../../client/job_view.ts";
import { formatDuration } from "../../domain/duration.ts";
import { NOT_CAPTURED } from "../../domain/output.ts";
import { stateWord } from "../../domain/state_words.ts";
import { unicodeWidth } from "./std_cli.ts";
import { withoutEscapes } from "./escapes.ts";
import { labelsText, stateOf, stateStyle } from "./job_columns.ts";
import type { Style } from "./style.ts";
import { pad, printable, printableLines, styled } from "./text.ts";

/** Lines shown of a long payload or result, from its end. */
const LAST_LINES = 20;

/** A job with related facts. */
export interface JobDetail {
  readonly job: JobView;
  /** Why it is in its state; empty when it has ended. */
  readonly why: string;
  /** Current time by Redis' clock, Unix ms. */
  readonly nowMs: number;
  /** Host that runs or ran it. */
  readonly host: string | null;
  /** Command that shows its terminal. */
  readonly attach: string | null;
  readonly dependencies: Dependencies;
}

/** The style of a detail; `time` formats points in time. */
export interface DetailStyle extends Style {
  readonly time: (ms: number) => string;
}

function when(ms: number | null, nowMs: number, time: DetailStyle["time"]): string {
  if (ms === null) return "";
  return `${time(ms)} (${formatDuration(Math.max(0, nowMs - ms) / 1000)} ago)`;
}

/** Returns `2 of 3`; an attempt that a user requested counts beyond the total. */
function attemptOf({ attempt, retries }: JobView): string {
  if (attempt === null) return "";
  return retries && attempt <= retries + 1 ? `${attempt} of ${retries + 1}` : String(attempt);
}

function outputOf({ outputBytes, truncated }: JobView): string {
  const bytes = outputBytes === null ? "" : `${outputBytes} bytes`;
  return truncated ? `${bytes}${bytes && "; "}${NOT_CAPTURED}` : bytes;
}

function facts(
  { job, why, nowMs, host, attach }: JobDetail,
  time: DetailStyle["time"],
): readonly (readonly [string, string])[] {
  const seconds = (value: number | null) => value === null ? "" : formatDuration(value);
  const live = job.status === "started";
  return [
    ["job", job.id],
    ["title", job.title],
    ["status", stateOf(job)],
    ["now", why],
    ["asks", job.input?.line ?? ""],
    ["exit code", job.exitCode === null ? "" : String(job.exitCode)],
    ["error", job.error],
    ["attempt", attemptOf(job)],
    ["runner", job.runner],
    ["executor", job.executor],
    ["host", host ?? ""],
    ["attach", live ? attach ?? "" : ""],
    ["created", when(job.createdMs, nowMs, time)],
    ["started", when(job.startedMs, nowMs, time)],
    ["ended", when(job.endedMs, nowMs, time)],
    ["took", seconds(job.seconds)],
    ["timeout", seconds(job.timeout)],
    ["directory", job.cwd],
    ["environment", job.envNames.join(" ")],
    ["caller", job.callerId],
    ["context", job.contextId],
    ["labels", labelsText(job.labels)],
    ["priority", job.priority === "normal" ? "" : job.priority],
    ["limits", job.limits.join(" ")],
    ["cancelled", job.cancelReason === null ? "" : job.cancelReason || "yes"],
    ["output", outputOf(job)],
    ["killed", job.left && `${job.left} (left in the background at its end)`],
  ];
}

/** Draws what a job waits for, above it, and what waits for it, below: a line for each, with its state. */
function drawing({ job, dependencies }: JobDetail, { color }: Style): string {
  const { after, before, more } = dependencies;
  if (after.length + before.length + more === 0) return "";
  const rows = [
    ...after.map(({ id, condition, met, status }) => ({
      ...{ mark: met ? "✓" : "─", id, state: status === null ? "gone" : stateWord(status) },
      note: met ? "" : condition === "ended" ? "must end" : "must finish",
    })),
    { mark: "▸", id: job.id, state: stateOf(job), note: "" },
    ...before.map(({ id, status }) => ({ mark: "  ─", id, state: stateWord(status), note: "waits for it" })),
  ].map((row) => ({ ...row, id: printable(row.id), state: printable(row.state) }));
  const [left, middle] = [
    Math.max(...rows.map(({ mark, id }) => unicodeWidth(`${mark} ${id}`))),
    Math.max(...rows.map(({ state }) => unicodeWidth(state))),
  ];
  const lines = rows.map(({ mark, id, state, note }) =>
    `  ${pad(`${mark} ${id}`, left)}  ${styled(pad(state, middle), stateStyle(state), color)}  ${note}`.trimEnd()
  );
  if (more > 0) lines.push(`    ─ and ${more} more`);
  return `${styled("dependencies:", "bold", color)}\n${lines.join("\n")}\n`;
}

/** Formats a multi-line text below its name. Of a long text only the end is shown, where the news is. */
function block(name: string, text: string, { room, color }: Style): string {
  if (text === "") return "";
  const lines = printableLines(text.replaceAll("\r\n", "\n").replace(/\n$/, "")).split("\n");
  const hidden = room === null ? 0 : Math.max(0, lines.length - LAST_LINES);
  const note = hidden > 0 ? ` (the last ${LAST_LINES} of ${lines.length} lines)` : "";
  const shown = lines.slice(hidden).map((line) => `  ${line}\n`).join("");
  return `${styled(`${name}${note}:`, "bold", color)}\n${shown}`;
}

/** Formats everything about one job for people; unset values are left out. */
export function showDetail(detail: JobDetail, style: DetailStyle): string {
  const { job } = detail;
  const lines = facts(detail, style.time).filter(([, value]) => value !== "");
  const left = Math.max(...lines.map(([name]) => name.length));
  const head = lines.map(([name, value]) => {
    const accent = name === "status" ? stateStyle(value) : name === "error" ? "red" as const : null;
    return `${styled(pad(name, left), "bold", style.color)}  ${styled(printable(value), accent, style.color)}\n`;
  });
  return head.join("") + drawing(detail, style) + block("payload", job.payload, style) +
    block("result", withoutEscapes(job.result, "all"), style);
}
