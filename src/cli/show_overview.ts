import type { JobView } from "../app/job_view.ts";
import type { Overview } from "../app/overview.ts";
import { formatTime } from "../app/read_time.ts";
import { formatDuration } from "../domain/duration.ts";
import type { StoredInstance, StoredQueue } from "../ports/job_store.ts";
import { jobJson } from "./job_json.ts";
import { type Column, table } from "./table.ts";
import { firstLine, printable, type Style, styled } from "./text.ts";

/** How much room there is and whether colours are on. */
export interface Look {
  /** Columns of the terminal; `null`: a pipe, where nothing is cut. */
  readonly room: number | null;
  readonly color: boolean;
}

/** The look of a status word. */
export function statusStyle(status: string): Style | null {
  return ({ started: "yellow", finished: "green", error: "red" } as const)[status] ?? null;
}

function ago(fromMs: number | null, nowMs: number): string {
  return fromMs === null ? "" : `${formatDuration(Math.max(0, nowMs - fromMs) / 1000)} ago`;
}

function instanceState(instance: StoredInstance): string {
  return instance.alive ? instance.state : "silent";
}

function tookOf(job: JobView, nowMs: number): string {
  if (job.seconds !== null) return formatDuration(job.seconds);
  return job.status === "started" && job.startedMs !== null
    ? formatDuration(Math.max(0, nowMs - job.startedMs) / 1000)
    : "";
}

const RUNNERS: readonly Column<StoredInstance>[] = [
  { title: "RUNNER", value: ({ runner }) => runner },
  { title: "HOST", value: ({ host }) => host, flexible: true },
  {
    title: "STATE",
    value: instanceState,
    style: (instance) => instance.alive ? (instance.state === "up" ? "green" : "yellow") : "red",
  },
  { title: "LAST SIGN", value: ({ silentMs }) => `${formatDuration(Math.max(0, silentMs) / 1000)} ago`, right: true },
  { title: "RUNNING", value: ({ running, slots }) => `${running}/${slots}`, right: true },
  { title: "PID", value: ({ pid }) => String(pid), right: true },
  { title: "VERSION", value: ({ version }) => version },
];

const QUEUES: readonly Column<StoredQueue>[] = [
  { title: "QUEUE", value: ({ runner }) => runner },
  { title: "QUEUED", value: ({ queued }) => String(queued), right: true },
  { title: "DELAYED", value: ({ delayed }) => delayed > 0 ? String(delayed) : "", right: true },
  { title: "PAUSED", value: ({ paused }) => paused ? "paused" : "", style: () => "yellow" },
];

/** Columns of jobs by name, as src/cli/column_names.ts lists them. */
function jobColumns(nowMs: number): Readonly<Record<string, Column<JobView>>> {
  return {
    id: { title: "JOB", value: ({ id }) => id, flexible: true },
    status: {
      title: "STATUS",
      value: ({ status, input }) => input ? "waiting for input" : status,
      style: ({ status }) => statusStyle(status),
    },
    exit: { title: "EXIT", value: ({ exitCode }) => exitCode ? String(exitCode) : "", right: true },
    runner: { title: "RUNNER", value: ({ runner }) => runner },
    executor: { title: "EXECUTOR", value: ({ executor }) => executor },
    created: { title: "CREATED", value: ({ createdMs }) => ago(createdMs, nowMs), right: true },
    started: { title: "STARTED", value: ({ startedMs }) => ago(startedMs, nowMs), right: true },
    ended: { title: "ENDED", value: ({ endedMs }) => ago(endedMs, nowMs), right: true },
    took: { title: "TOOK", value: (job) => tookOf(job, nowMs), right: true },
    try: { title: "TRY", value: ({ attempt }) => attempt && attempt > 1 ? String(attempt) : "", right: true },
    caller: { title: "CALLER", value: ({ callerId }) => callerId },
    context: { title: "CONTEXT", value: ({ contextId }) => contextId },
    labels: { title: "LABELS", value: ({ labels }) => pairsText(labels) },
    error: {
      title: "ERROR",
      value: ({ error, truncated }) => error || (truncated ? "output truncated" : ""),
      flexible: true,
    },
    text: {
      title: "JOB TEXT",
      value: ({ title, payload, input }) => `${title || firstLine(payload)}${input ? ` ▸ ${input.line}` : ""}`,
      flexible: true,
    },
  };
}

/** Ids that were put aside, as far as people see them, and how long, milliseconds: later they are no news. */
const BURIED_SHOWN = 5, BURIED_NEWS = 3_600_000;

/** What of an overview is shown. */
export interface Shown {
  /** Names of the columns of the jobs. */
  readonly columns: readonly string[];
  /** Only the jobs: somebody asked for certain ones. */
  readonly jobsOnly: boolean;
}

/** Labels in one line. */
export function pairsText(map: Readonly<Record<string, string>>): string {
  return Object.entries(map).map(([name, value]) => `${name}=${value}`).join(" ");
}

/** The overview as tables. */
export function showOverview(overview: Overview, look: Look, { columns, jobsOnly }: Shown): string {
  const heading = (text: string) => `${styled(text, "dim", look.color)}\n`;
  const known = jobColumns(overview.nowMs);
  const jobs = overview.jobs.length > 0
    ? table(overview.jobs, columns.map((name) => known[name]), look)
    : heading("no job");
  if (jobsOnly) return jobs;
  const parts = [
    overview.instances.length > 0 ? table(overview.instances, RUNNERS, look) : heading("no runner has been here"),
    overview.queues.length > 0 ? table(overview.queues, QUEUES, look) : heading("no queue"),
    jobs,
  ];
  const buried = overview.buried.filter(({ ms }) => ms >= overview.nowMs - BURIED_NEWS);
  if (buried.length > 0) {
    const lines = buried.slice(0, BURIED_SHOWN).map(({ id, reason, ms }) =>
      `  ${printable(id)}: ${printable(reason)} (${ago(ms, overview.nowMs)})\n`
    );
    parts.push(`put aside, because they are no runnable jobs:\n${lines.join("")}`);
  }
  return parts.join("\n");
}

/** The overview as one JSON object. */
export function overviewJson(overview: Overview): unknown {
  return {
    time: formatTime(overview.nowMs),
    runners: overview.instances.map((instance) => ({
      runner: instance.runner,
      instance: instance.instance,
      host: instance.host,
      pid: instance.pid,
      version: instance.version,
      state: instanceState(instance),
      silent_seconds: instance.silentMs / 1000,
      slots: instance.slots,
      running: instance.running,
      attach: instance.attach,
    })),
    queues: overview.queues,
    jobs: overview.jobs.map(jobJson),
    put_aside: overview.buried.map(({ id, reason, ms }) => ({ id, reason, time: formatTime(ms) })),
  };
}
