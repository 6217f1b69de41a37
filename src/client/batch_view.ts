import { type BatchCounts, memberId, readCounts } from "../domain/batch.ts";
import { EXIT } from "../domain/exit_codes.ts";
import { labelsOf } from "../domain/job_meta.ts";
import type { StoredBatch } from "../ports/batches.ts";
import type { StoredJob } from "../ports/job_store.ts";

/**
 * State of a batch. `incomplete`: not all members are stored. `queued`: none has started. `stopping`: its members are
 * being cancelled, or skipped after too many failures. `finished`: all have ended with exit code 0. `failed`: all have
 * ended, and not all so, or Redis had lost the record.
 *
 * ```ts no-eval
 * import { type BatchState, Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const state: BatchState = (await client.batch("grid")).state;
 * console.log(state);
 * ```
 */
export type BatchState = "incomplete" | "queued" | "running" | "stopping" | "finished" | "failed";

/**
 * A batch, as its record has it; times are Unix ms, `null` when they have not come.
 *
 * ```ts no-eval
 * import { type BatchView, Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const { state, size, counts }: BatchView = await client.batch("grid");
 * console.log(state, size, counts.failed);
 * ```
 */
export interface BatchView {
  /** Its id, also that of its members, before `.INDEX`. */
  readonly id: string;
  /** What becomes of its members. */
  readonly state: BatchState;
  /** Number of members. */
  readonly size: number;
  /** Number of those that are stored. */
  readonly stored: number;
  /** Numbers of members by state. */
  readonly counts: BatchCounts;
  /** The highest exit code of the members, at least 125 when Redis had lost the record; `null` until all have ended. */
  readonly exitCode: number | null;
  /** Title of all members; empty when they have none. */
  readonly title: string;
  /** Name of the runner of all members. */
  readonly runner: string;
  /** Labels of all members. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its submission, Unix milliseconds, as the times below. */
  readonly createdMs: number | null;
  /** Start of the first member. */
  readonly startedMs: number | null;
  /** End of the last member. */
  readonly endedMs: number | null;
  /** Names of the variables in which members differ, and that may be shown. */
  readonly params: readonly string[];
  /** Indexes of some members that did not succeed, the last ones first; some may have been run again. */
  readonly recent: readonly number[];
  /** Why its members were or are being ended; empty when they are not. */
  readonly stopped: "" | "cancel" | "skip";
  /** Redis had lost the record: only the members that ran, or were run again, are in it. */
  readonly rebuilt: boolean;
}

function time(text: string | undefined): number | null {
  const ms = Number(text || NaN);
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? ms : null;
}

function readParams(text: string | undefined): string[] {
  try {
    const names: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

/** Returns whether a batch gets no more members and all have ended. */
export function isComplete({ fields }: StoredBatch): boolean {
  const { counts } = readCounts(fields);
  return fields.closed === "1" && counts.queued + counts.running === 0;
}

function stateOf(batch: StoredBatch, counts: BatchCounts, stored: number): BatchState {
  const { fields } = batch;
  if (fields.stopping) return "stopping";
  if (fields.closed !== "1") return "incomplete";
  // of one that was rebuilt it is unknown how many members it had
  if (isComplete(batch)) return counts.ok === stored && fields.rebuilt !== "1" ? "finished" : "failed";
  return fields.begun_ms ? "running" : "queued";
}

/** Parses the record of a batch. */
export function viewBatch(batch: StoredBatch): BatchView {
  const { id, fields } = batch;
  const { counts, highest } = readCounts(fields);
  const shared = Object.fromEntries(
    Object.entries(fields).filter(([name]) => name.startsWith("of:")).map(([name, value]) => [name.slice(3), value]),
  );
  const stored = Number(fields.stored ?? 0);
  const complete = isComplete(batch);
  const stopped = fields.stopping ?? fields.stopped ?? "";
  return {
    id,
    state: stateOf(batch, counts, stored),
    size: Number(fields.size ?? 0),
    stored,
    counts,
    exitCode: !complete ? null : fields.rebuilt === "1" ? Math.max(highest, EXIT.lost) : highest,
    title: shared.title ?? "",
    runner: fields.runner ?? "",
    labels: labelsOf(shared),
    createdMs: time(fields.created_ms),
    startedMs: time(fields.begun_ms),
    endedMs: complete ? time(fields.ended_ms) : null,
    params: readParams(fields.params),
    recent: [...new Set((fields.recent ?? "").trim().split(" ").filter((text) => /^\d+$/.test(text)).map(Number))],
    stopped: stopped === "cancel" || stopped === "skip" ? stopped : "",
    rebuilt: fields.rebuilt === "1",
  };
}

/** Number of members that have ended. */
export function endedOf({ counts }: BatchView): number {
  return counts.ok + counts.failed + counts.timedOut + counts.cancelled + counts.lost + counts.skipped;
}

/**
 * Estimates the time until all members have ended, from the pace since the first start.
 *
 * @returns Seconds; `null` when no member has ended, or none is left.
 */
export function secondsLeft(view: BatchView, nowMs: number): number | null {
  const { counts, startedMs, state } = view;
  const ran = counts.ok + counts.failed + counts.timedOut + counts.lost;
  const left = view.size - view.stored + counts.queued + counts.running;
  if (startedMs === null || ran === 0 || left === 0 || state === "stopping" || nowMs <= startedMs) return null;
  return left * (nowMs - startedMs) / ran / 1000;
}

/** Returns whether a job with the id of a member is one: another may have got the id of a member that was deleted. */
export function isMember({ meta }: StoredJob): boolean {
  return meta.as !== undefined;
}

/** Yields the ids of all members in pages, in their order, or the last ones first. */
export function* memberIds({ id, stored }: BatchView, newestFirst = false): Generator<string[]> {
  for (let from = 0; from < stored; from += PAGE) {
    const count = Math.min(PAGE, stored - from);
    yield Array.from({ length: count }, (_, i) => memberId(id, newestFirst ? stored - from - i : from + i + 1));
  }
}

/** Ids of one page. */
const PAGE = 1_000;
