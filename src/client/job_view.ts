import { placeInBatch } from "../domain/batch.ts";
import { EXIT } from "../domain/exit_codes.ts";
import { dependenciesOf, type Dependency, labelsOf } from "../domain/job_meta.ts";
import { isFinal } from "../domain/lifecycle.ts";
import { DEFAULT_EXECUTOR } from "../domain/limits.ts";
import type { OutcomeWord } from "../domain/outcome.ts";
import { signalOf } from "../domain/signals.ts";
import type { StoredJob } from "../ports/job_store.ts";
import { readTime } from "./read_time.ts";

/**
 * A job with every field parsed, for people and programs. `null` or an empty text means that a value is not set. Times
 * are Unix ms.
 *
 * ```ts no-eval
 * import { Client, type JobView } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const job: JobView = await client.read("7");
 * console.log(job.status, job.exitCode, job.seconds, job.error);
 * ```
 */
export interface JobView {
  /** Complete id. */
  readonly id: string;
  /** Status; `dispatched` when a foreign client left it out. */
  readonly status: string;
  /** Name of the runner whose queue it belongs to. */
  readonly runner: string;
  /** Executor string. */
  readonly executor: string;
  /** Title shown to people, one line. */
  readonly title: string;
  /** Shell text. */
  readonly payload: string;
  /** Exit code as `runner wait` returns it; `null` until the job has ended. */
  readonly exitCode: number | null;
  /** How it ended; `null` until it has ended. */
  readonly outcome: OutcomeWord | null;
  /** Why it ended with status `error`. */
  readonly error: string;
  /** Number of the newest attempt, from 1. */
  readonly attempt: number | null;
  /** Time of its submission. */
  readonly createdMs: number | null;
  /** Start of the newest attempt. */
  readonly startedMs: number | null;
  /** End of the newest attempt. */
  readonly endedMs: number | null;
  /** Duration of the newest attempt, seconds. */
  readonly seconds: number | null;
  /** Time since which it waits for input, and the terminal line that prompts for it; `null` when it does not wait. */
  readonly input: { readonly sinceMs: number; readonly line: string } | null;
  /** Instance that owns the newest attempt. */
  readonly instance: string | null;
  /** Identifies its submitter. */
  readonly callerId: string;
  /** What the job belongs to. */
  readonly contextId: string;
  /** Seconds after which a running attempt is stopped. */
  readonly timeout: number | null;
  /** Names of the environment variables, without their values, which may be secrets. */
  readonly envNames: readonly string[];
  /** Labels for filters. */
  readonly labels: Readonly<Record<string, string>>;
  /** Id of the batch to which it belongs; `null` when it belongs to none. */
  readonly batch: string | null;
  /** Its index in the batch, from 1. */
  readonly index: number | null;
  /** Priority in its queue. */
  readonly priority: string;
  /** Working directory on the host that runs it. */
  readonly cwd: string;
  /** Keys of its limits. */
  readonly limits: readonly string[];
  /** Key of the limit because of which it is parked; `null` when it is not. */
  readonly waitsForLimit: string | null;
  /** The jobs for which it waits or waited. */
  readonly after: readonly Dependency[];
  /** Whether it was ended because of one of these. */
  readonly skipped: boolean;
  /** Number of further attempts that it may have. */
  readonly retries: number | null;
  /** Length of its complete output, bytes. */
  readonly outputBytes: number | null;
  /** Whether part of the output was not captured: the disk of its spool was full, or its terminal was destroyed. */
  readonly truncated: boolean;
  /** Names of its background programs that were killed at its end; empty when there were none. */
  readonly left: string;
  /** Reason of a requested cancellation; `null` when none was requested. */
  readonly cancelReason: string | null;
  /** Its output; only the first and the last 64 KiB of a large one. */
  readonly result: string;
}

function number(text: string | undefined): number | null {
  return text === undefined || text === "" || !Number.isFinite(Number(text)) ? null : Number(text);
}

/** Latest time that a `Date` can represent, Unix ms. */
const LATEST = 8.64e15;

/** Reads Unix ms; returns `null` for a time that a `Date` cannot represent. */
function time(text: string | undefined): number | null {
  const ms = number(text);
  return ms === null || Math.abs(ms) > LATEST ? null : ms;
}

function envNames(text: string | undefined): string[] {
  try {
    const env: unknown = JSON.parse(text || "{}");
    return typeof env === "object" && env !== null && !Array.isArray(env) ? Object.keys(env).sort() : [];
  } catch {
    return [];
  }
}

/** Parses a stored job for display. Never throws, whatever a foreign client wrote. */
export function viewJob(job: StoredJob): JobView {
  const { fields, meta } = job;
  const ended = isFinal(fields.status ?? "");
  const changed = readTime(fields.updated_at ?? "", "utc");
  const ms = number(meta.ms);
  const outcome = outcomeOf(job);
  const place = meta.as === undefined ? null : placeInBatch(job.id);
  return {
    id: job.id,
    status: fields.status || "dispatched",
    runner: meta.runner || fields.runner || "",
    executor: fields.executor || DEFAULT_EXECUTOR,
    title: meta.title ?? "",
    payload: fields.payload ?? "",
    exitCode: exitCodeOfJob(job),
    outcome,
    error: fields.error ?? "",
    attempt: number(meta.attempt),
    createdMs: readTime(fields.created_at ?? "", "utc"),
    startedMs: time(meta.started_ms),
    endedMs: ended ? time(meta.ended_ms) ?? changed : null,
    seconds: ended && ms !== null ? ms / 1000 : null,
    input: inputOf(job),
    instance: meta.instance || null,
    callerId: fields.caller_id ?? "",
    contextId: fields.context_id ?? "",
    timeout: number(fields.timeout) || null,
    envNames: envNames(fields.env_vars),
    labels: labelsOf(meta),
    batch: place?.batch ?? null,
    index: place?.index ?? null,
    priority: meta.priority ?? "normal",
    cwd: meta.cwd ?? "",
    after: dependenciesOf(meta),
    limits: meta.limits ? meta.limits.split("\n") : [],
    waitsForLimit: ended ? null : (meta.parked ?? "").split("\n")[0] || null,
    skipped: outcome === "skipped",
    retries: number(meta.retry_max),
    outputBytes: number(meta.output_bytes),
    truncated: ended && meta.truncated === "1",
    left: ended ? meta.left ?? "" : "",
    cancelReason: meta.cancel ?? null,
    result: fields.result ?? "",
  };
}

function inputOf({ fields, meta }: StoredJob): JobView["input"] {
  const sinceMs = time(meta.input_ms);
  // the metadata may still say so after the attempt has ended
  if (sinceMs === null || fields.status !== "started" || meta.done === meta.token) return null;
  return { sinceMs, line: meta.input_line ?? "" };
}

/** Returns how a job ended; `null` when it has not ended. The sentences of src/domain/outcome.ts say it. */
function outcomeOf({ fields, meta }: StoredJob): OutcomeWord | null {
  const { status = "", error = "" } = fields;
  if (!isFinal(status)) return null;
  if (status === "finished") return "ok";
  if (meta.skipped === "1" || /^skipped\b/.test(error)) return "skipped";
  if (/^timed out\b/.test(error)) return "timed-out";
  if (/^cancelled\b/.test(error)) return "cancelled";
  return /^lost\b/.test(error) ? "lost" : "failed";
}

/** Returns the exit code of a failed job by the text of its `error` field, as written by src/domain/outcome.ts. */
function codeOfSentence(error: string): number {
  const exited = /^exited with code (\d{1,3})$/.exec(error);
  if (exited && Number(exited[1]) >= 1 && Number(exited[1]) <= 255) return Number(exited[1]);
  const killed = /^killed by signal (\d{1,2})\b/.exec(error);
  if (killed && signalOf(128 + Number(killed[1]))) return 128 + Number(killed[1]);
  return EXIT.failed;
}

/**
 * Returns the exit code with which `runner wait` ends for a job.
 *
 * @returns `null` when the job has not ended.
 */
export function exitCodeOfJob(job: StoredJob): number | null {
  const outcome = outcomeOf(job);
  switch (outcome) {
    case null:
      return null;
    case "ok":
      return EXIT.ok;
    // a job that was cancelled, lost or skipped between two attempts still carries the exit code of the earlier one
    case "timed-out":
      return EXIT.timedOut;
    case "cancelled":
      return EXIT.cancelled;
    case "lost":
      return EXIT.lost;
    case "skipped":
      return EXIT.skipped;
    case "failed": {
      const exact = number(job.meta.exit);
      return exact !== null && exact > 0 && exact < 256 ? exact : codeOfSentence(job.fields.error ?? "");
    }
  }
}
