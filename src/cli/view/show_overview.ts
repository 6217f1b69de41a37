import type { Overview } from "../../client/overview.ts";
import { formatTime } from "../../client/read_time.ts";
import { formatDuration } from "../../domain/duration.ts";
import type { StoredInstance, StoredQueue } from "../../ports/job_store.ts";
import { DEFAULT_COLUMNS } from "./column_names.ts";
import { ago, jobColumns } from "./job_columns.ts";
import { jobJson } from "./job_json.ts";
import type { Style } from "./style.ts";
import { lastLine } from "./last_line.ts";
import type { ShortIds } from "../input/short_ids.ts";
import { type Column, table } from "./table.ts";
import { fit, printable, styled } from "./text.ts";

function instanceState(instance: StoredInstance): string {
  return instance.alive ? instance.state : "silent";
}

const RUNNERS: readonly Column<StoredInstance>[] = [
  { title: "RUNNER", value: ({ runner }) => runner },
  { title: "HOST", value: ({ host }) => host, flexible: true },
  {
    title: "STATE",
    value: instanceState,
    style: (instance) => instance.alive ? (instance.state === "up" ? "green" : "yellow") : "red",
  },
  { title: "LAST SEEN", value: ({ silentMs }) => `${formatDuration(Math.max(0, silentMs) / 1000)} ago`, right: true },
  { title: "RUNNING", value: ({ running, slots }) => `${running}/${slots}`, right: true },
  { title: "PID", value: ({ pid }) => String(pid), right: true },
  { title: "VERSION", value: ({ version }) => version },
];

const QUEUES: readonly Column<StoredQueue>[] = [
  { title: "QUEUE", value: ({ runner }) => runner },
  { title: "QUEUED", value: ({ queued }) => String(queued), right: true },
  { title: "DELAYED", value: ({ delayed }) => delayed > 0 ? String(delayed) : "", right: true },
  { title: "PARKED", value: ({ parked }) => parked > 0 ? String(parked) : "", right: true },
  { title: "PAUSED", value: ({ paused }) => paused ? "paused" : "", style: () => "yellow" },
];

/** Maximum number of dead letters shown to people. */
const DEAD_LETTERS_SHOWN = 5;
/** Age up to which people see a dead letter, milliseconds; later it is no news. */
const DEAD_LETTER_NEWS = 3_600_000;
/** Width of a dead letter's id on a terminal, columns: the id may be anything that a program has pushed. */
const DEAD_LETTER_WIDTH = 36;

/** What is shown of an overview. */
export interface Shown {
  /** Names of the columns of the jobs; `null` when the user names none. */
  readonly columns: readonly string[] | null;
  /** Only the jobs, because the user asked for certain ones. */
  readonly jobsOnly: boolean;
  /** Shortens ids; `null`: full ids. */
  readonly ids: ShortIds | null;
}

/** Formats the overview as tables. */
export function showOverview(overview: Overview, style: Style, { columns, jobsOnly, ids }: Shown): string {
  const heading = (text: string) => `${styled(text, "dim", style.color)}\n`;
  // in a pipe every list has the same columns
  const names = columns ?? (style.room === null ? DEFAULT_COLUMNS : null);
  const jobs = overview.jobs.length > 0
    ? table(overview.jobs, jobColumns(overview, names, ids), style)
    : heading("no job");
  const queues = overview.queues.filter(({ queued, delayed, parked, paused }) =>
    queued + delayed + parked > 0 || paused
  );
  if (jobsOnly) return jobs;
  const parts = [
    overview.instances.length > 0 ? table(overview.instances, RUNNERS, style) : heading("no runner has been here"),
    queues.length > 0 ? table(queues, QUEUES, style) : heading("nothing is queued"),
    jobs,
  ];
  const deadLetters = overview.deadLetters.filter(({ ms }) => ms >= overview.nowMs - DEAD_LETTER_NEWS);
  if (deadLetters.length > 0) {
    const lines = deadLetters.slice(0, DEAD_LETTERS_SHOWN).map(({ id, reason, ms }) =>
      `  ${style.room === null ? printable(id) : fit(printable(id), DEAD_LETTER_WIDTH)}: ${printable(reason)} (${
        ago(ms, overview.nowMs)
      })\n`
    );
    parts.push(`dead letters, ids without a runnable job:\n${lines.join("")}`);
  }
  return parts.join("\n");
}

/** Returns the overview as one JSON object. */
export function overviewJson(overview: Overview): unknown {
  const hosts = new Map(overview.instances.map(({ instance, host }) => [instance, host]));
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
      terminals: instance.access,
    })),
    queues: overview.queues,
    jobs: overview.jobs.map((job) => ({
      ...jobJson(job),
      host: hosts.get(job.instance ?? "") ?? null,
      last_line: lastLine(overview.endings.get(job.id) ?? "") || null,
    })),
    jobs_fit: overview.counts?.fitting ?? null,
    jobs_scanned: overview.counts?.scanned ?? null,
    dead_letters: overview.deadLetters.map(({ id, reason, ms }) => ({ id, reason, time: formatTime(ms) })),
  };
}
