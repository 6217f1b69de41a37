import { type BatchState, type BatchView, endedOf, secondsLeft } from "../../client/batch_view.ts";
import type { JobView } from "../../client/job_view.ts";
import type { BatchCounts } from "../../domain/batch.ts";
import { formatDuration } from "../../domain/duration.ts";
import { jobColumns, labelsText } from "./job_columns.ts";
import type { DetailStyle } from "./job_detail.ts";
import { jobJson, timeJson } from "./job_json.ts";
import { table } from "./table.ts";
import { pad, printable, type Style, styled } from "./text.ts";

/** A batch with related facts. */
export interface BatchDetail {
  readonly batch: BatchView;
  /** Some of its members that did not succeed. */
  readonly failed: readonly JobView[];
  /** Current time by Redis' clock, Unix ms. */
  readonly nowMs: number;
}

/** Width of the bar, columns. */
const BAR = 30;

const STYLES: Readonly<Record<BatchState, Style | null>> = {
  incomplete: "yellow",
  queued: null,
  running: "yellow",
  stopping: "yellow",
  finished: "green",
  failed: "red",
};

const WORDS: readonly (readonly [keyof BatchCounts, string])[] = [
  ["failed", "failed"],
  ["timedOut", "timed out"],
  ["lost", "lost"],
  ["cancelled", "cancelled"],
  ["skipped", "skipped"],
  ["ok", "ok"],
  ["running", "running"],
  ["queued", "queued"],
];

/** Writes a number with a comma before each three digits. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Returns the numbers of members by what became of them, the failed ones first: `3 failed, 97 ok`. */
export function countsText({ counts }: BatchView): string {
  return WORDS.filter(([name]) => counts[name] > 0).map(([name, word]) => `${grouped(counts[name])} ${word}`).join(
    ", ",
  );
}

function stateText({ state, stored, size, rebuilt, stopped }: BatchView): string {
  const lost = rebuilt ? "; rebuilt after Redis had lost it, so that members may be missing" : "";
  if (state === "incomplete") return `incomplete: ${grouped(stored)} of ${grouped(size)}${lost}`;
  const why = stopped === "" || state === "stopping"
    ? ""
    : stopped === "cancel"
    ? ", cancelled"
    : ", stopped after too many failures";
  return `${state}${why}${lost}`;
}

function progressText(view: BatchView, nowMs: number): string {
  const ended = endedOf(view);
  const part = view.size === 0 ? 0 : Math.min(1, ended / view.size);
  const filled = Math.round(part * BAR);
  const left = secondsLeft(view, nowMs);
  return `[${"#".repeat(filled)}${"-".repeat(BAR - filled)}] ${grouped(ended)} of ${grouped(view.size)}${
    left === null ? "" : `, about ${formatDuration(left)} left`
  }`;
}

/** Formats a batch for people: its state, its counts, and the members that have failed. */
export function showBatch({ batch, failed, nowMs }: BatchDetail, style: DetailStyle): string {
  const { createdMs, startedMs, endedMs } = batch;
  const when = (ms: number | null) =>
    ms === null ? "" : `${style.time(ms)} (${formatDuration(Math.max(0, nowMs - ms) / 1000)} ago)`;
  const took = startedMs === null ? "" : formatDuration(Math.max(0, (endedMs ?? nowMs) - startedMs) / 1000);
  const lines = ([
    ["batch", batch.id],
    ["title", batch.title],
    ["status", stateText(batch)],
    ["members", countsText(batch)],
    ["progress", progressText(batch, nowMs)],
    ["exit code", batch.exitCode === null ? "" : String(batch.exitCode)],
    ["runner", batch.runner],
    ["created", when(createdMs)],
    ["started", when(startedMs)],
    ["ended", when(endedMs)],
    ["took", took],
    ["variables", batch.params.join(" ")],
    ["labels", labelsText(batch.labels)],
  ] as const).filter(([, value]) => value !== "");
  const left = Math.max(...lines.map(([name]) => name.length));
  const head = lines.map(([name, value]) =>
    `${styled(pad(name, left), "bold", style.color)}  ${
      styled(printable(value), name === "status" ? STYLES[batch.state] : null, style.color)
    }\n`
  ).join("");
  if (failed.length === 0) return head;
  const overview = { instances: [], queues: [], deadLetters: [], endings: new Map(), complete: true, counts: null };
  const columns = jobColumns({ ...overview, jobs: failed, nowMs }, ["id", "exit", "took", "error"], null);
  return `${head}${styled("did not succeed:", "bold", style.color)}\n${table(failed, columns, style)}`;
}

/** Returns a batch as one JSON object. */
export function batchJson(batch: BatchView, detail?: Omit<BatchDetail, "batch">): Record<string, unknown> {
  const { timedOut, ...counts } = batch.counts;
  return {
    batch: batch.id,
    state: batch.state,
    size: batch.size,
    stored: batch.stored,
    counts: { ...counts, timed_out: timedOut },
    exit_code: batch.exitCode,
    title: batch.title || null,
    runner: batch.runner,
    labels: batch.labels,
    created_at: timeJson(batch.createdMs),
    started_at: timeJson(batch.startedMs),
    ended_at: timeJson(batch.endedMs),
    params: batch.params,
    stopped: batch.stopped || null,
    rebuilt: batch.rebuilt,
    ...detail && { seconds_left: secondsLeft(batch, detail.nowMs), not_ok: detail.failed.map(jobJson) },
  };
}
