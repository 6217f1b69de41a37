import type { JobView } from "../../client/job_view.ts";
import type { Overview } from "../../client/overview.ts";
import { formatDuration } from "../../domain/duration.ts";
import { stateWord } from "../../domain/state_words.ts";
import { unicodeWidth } from "./std_cli.ts";
import { lastLine } from "./last_line.ts";
import type { ShortIds } from "../input/short_ids.ts";
import type { Column } from "./table.ts";
import { firstLine, fit, printable, type Style } from "./text.ts";

/** Minimum width of a job's text beside its question or last line, columns. */
const TITLE = 8;
const MARK = " ▸ ";

/** Columns that a narrow terminal drops, the highest number first, because the text of the jobs needs the room. */
const OPTIONAL: Readonly<Record<string, number>> = { executor: 2, try: 2, took: 1 };
const SAME = 3;

/** Columns that move behind the text when they are the same for every job. */
const OFTEN_SAME = ["runner", "executor", "host"];

/** Returns the displayed state of a job. */
export function stateOf({ status, input, skipped }: Pick<JobView, "status" | "input" | "skipped">): string {
  return input ? "waiting" : skipped ? "skipped" : stateWord(status);
}

/** Returns the style of a state word. */
export function stateStyle(word: string): Style | null {
  return ({ waiting: "alert", running: "yellow", finished: "green", failed: "red", skipped: "dim" } as const)[word] ??
    null;
}

/** Formats how long ago a time was. */
export function ago(fromMs: number | null, nowMs: number): string {
  if (fromMs === null) return "";
  const seconds = Math.max(0, nowMs - fromMs) / 1000;
  return `${formatDuration(seconds < 1 ? seconds : Math.floor(seconds))} ago`;
}

function tookOf(job: JobView, nowMs: number): string {
  if (job.seconds !== null) return formatDuration(job.seconds);
  return job.status === "started" && job.startedMs !== null
    ? formatDuration(Math.max(0, nowMs - job.startedMs) / 1000)
    : "";
}

/** Formats labels as one line; one without a value is its name. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([name, value]) => value === "" ? name : `${name}=${value}`).join(" ");
}

/**
 * Returns what a job is, and its question or last line. The second part is the news, so the first part is shortened.
 */
function textOf(job: JobView, endings: Overview["endings"]): [title: string, news: string] {
  const news = job.input ? job.input.line : lastLine(endings.get(job.id) ?? "");
  return [job.title || firstLine(job.payload), news];
}

function joined([title, news]: readonly [string, string]): string {
  return news === "" ? title : `${title}${MARK}${news}`;
}

function fitted([title, news]: readonly [string, string], room: number): string {
  if (news === "" || unicodeWidth(joined([title, news])) <= room) return fit(joined([title, news]), room);
  const least = Math.min(unicodeWidth(title), TITLE, Math.floor(room / 3));
  const shown = fit(news, Math.max(1, room - MARK.length - least));
  return joined([fit(title, Math.max(1, room - MARK.length - unicodeWidth(shown))), shown]);
}

/** Returns the columns of jobs by name, as column_names.ts lists them. */
function columnsByName(
  { nowMs, instances, endings }: Overview,
  ids: ShortIds | null,
): Readonly<Record<string, Column<JobView>>> {
  const hosts = new Map(instances.map(({ instance, host }) => [instance, host]));
  const texts = (job: JobView) => textOf(job, endings).map(printable) as [string, string];
  return {
    id: { title: "JOB", value: ({ id }) => ids?.of(id) ?? id },
    status: {
      title: "STATUS",
      // a list with full ids also says what the job waits for
      value: (job) => ids === null && job.input ? "waiting for input" : stateOf(job),
      style: (job) => stateStyle(stateOf(job)),
    },
    exit: { title: "EXIT", value: ({ exitCode }) => exitCode ? String(exitCode) : "", right: true },
    runner: { title: "RUNNER", value: ({ runner }) => runner, flexible: true },
    executor: { title: "EXECUTOR", value: ({ executor }) => executor, flexible: true },
    host: { title: "HOST", value: ({ instance }) => hosts.get(instance ?? "") ?? "", flexible: true },
    created: { title: "CREATED", value: ({ createdMs }) => ago(createdMs, nowMs), right: true },
    started: { title: "STARTED", value: ({ startedMs }) => ago(startedMs, nowMs), right: true },
    ended: { title: "ENDED", value: ({ endedMs }) => ago(endedMs, nowMs), right: true },
    took: { title: "TOOK", value: (job) => tookOf(job, nowMs), right: true },
    try: { title: "TRY", value: ({ attempt }) => attempt && attempt > 1 ? String(attempt) : "", right: true },
    caller: { title: "CALLER", value: ({ callerId }) => callerId, flexible: true },
    context: { title: "CONTEXT", value: ({ contextId }) => contextId, flexible: true },
    labels: { title: "LABELS", value: ({ labels }) => labelsText(labels), flexible: true },
    error: {
      title: "ERROR",
      value: ({ error, truncated }) => error || (truncated ? "output truncated" : ""),
      flexible: true,
    },
    text: {
      title: "JOB TEXT",
      value: (job) => joined(texts(job)),
      fitted: (job, room) => fitted(texts(job), room),
      flexible: true,
    },
  };
}

/** Returns whether a runner has several hosts, so that it matters which one runs a job. */
function isPool({ instances }: Overview): boolean {
  return instances.some(({ runner, host }) =>
    instances.some((other) => other.runner === runner && other.host !== host)
  );
}

/**
 * Returns the columns of a job list.
 *
 * @param names The requested columns; `null`: those that suit this list best on a terminal.
 * @param ids Shortens ids; `null`: full ids.
 */
export function jobColumns(overview: Overview, names: readonly string[] | null, ids: ShortIds | null) {
  const known = columnsByName(overview, ids);
  if (names !== null) return names.map((name) => known[name]);
  const isSame = (name: string) =>
    new Set(overview.jobs.map((job) => known[name].value(job)).filter((text) => text !== "")).size <= 1;
  const some = OFTEN_SAME.filter((name) => name !== "host" || isPool(overview));
  const last = some.filter(isSame);
  const first = ["id", "status", "exit", ...some.filter((name) => !isSame(name)), "created", "took", "try"];
  return [
    ...first.map((name): Column<JobView> => ({ ...known[name], optional: OPTIONAL[name] })),
    known.text,
    ...last.map((name): Column<JobView> => ({ ...known[name], optional: SAME })),
  ];
}
