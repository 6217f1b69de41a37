import { EXIT } from "../domain/exit_codes.ts";
import { isFinal } from "../domain/lifecycle.ts";
import { DEFAULT_EXECUTOR } from "../domain/limits.ts";
import { signalOf } from "../domain/signals.ts";
import type { StoredJob } from "../ports/job_store.ts";
import { readTime } from "./read_time.ts";

/**
 * A job as people and programs see it, with every field read; `null` and an empty text: not given. Times in Unix ms.
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
  /** Its id, whole. */
  readonly id: string;
  /** Status word; a foreign client may have left it out, which means `dispatched`. */
  readonly status: string;
  /** Name of the runner that should run it. */
  readonly runner: string;
  /** Where it runs. */
  readonly executor: string;
  /** A line for people. */
  readonly title: string;
  /** Shell text. */
  readonly payload: string;
  /** Exit code as `runner wait` gives it; `null` until the job has ended. */
  readonly exitCode: number | null;
  /** Why it ended with status `error`. */
  readonly error: string;
  /** Number of the newest attempt, from 1. */
  readonly attempt: number | null;
  /** When it was submitted. */
  readonly createdMs: number | null;
  /** Start of the newest attempt. */
  readonly startedMs: number | null;
  /** End of the newest attempt. */
  readonly endedMs: number | null;
  /** Seconds that the newest attempt took. */
  readonly seconds: number | null;
  /** Since when it waits for somebody to type, Unix ms, and the line of its terminal that asks; `null`: it does not. */
  readonly input: { readonly sinceMs: number; readonly line: string } | null;
  /** Instance that owns the newest attempt. */
  readonly instance: string | null;
  /** Who submitted it. */
  readonly callerId: string;
  /** What it belongs to. */
  readonly contextId: string;
  /** Seconds until it is stopped. */
  readonly timeout: number | null;
  /** Names of the environment variables; their values may be secrets. */
  readonly envNames: readonly string[];
  /** Labels for filters. */
  readonly labels: Readonly<Record<string, string>>;
  /** Order in its queue. */
  readonly priority: string;
  /** Working directory on the host that runs it. */
  readonly cwd: string;
  /** Id of the job that must have finished first. */
  readonly after: string;
  /** Further attempts that it may have. */
  readonly retries: number | null;
  /** Length of its whole output, bytes. */
  readonly outputBytes: number | null;
  /** Part of what it wrote was not captured: the disk of its spool was full, or its terminal went away. */
  readonly truncated: boolean;
  /**
   * Names of the programs that it had left in the background and that were killed at its end; empty when there were
   * none.
   */
  readonly left: string;
  /** Why somebody asked to cancel it; `null` when nobody did. */
  readonly cancelReason: string | null;
  /** Its output; of a large one the first and last 64 KiB. */
  readonly result: string;
}

function number(text: string | undefined): number | null {
  return text === undefined || text === "" || !Number.isFinite(Number(text)) ? null : Number(text);
}

/** The last point in time of the calendar, Unix ms. */
const LATEST = 8.64e15;

/** A point in time that can be written. */
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

/** Reads a job for showing it. Nothing that a foreign client wrote makes it throw. */
export function viewJob(job: StoredJob): JobView {
  const { fields, meta } = job;
  const ended = isFinal(fields.status ?? "");
  const changed = readTime(fields.updated_at ?? "", "utc");
  const ms = number(meta.ms);
  return {
    id: job.id,
    status: fields.status || "dispatched",
    runner: meta.runner || fields.runner || "",
    executor: fields.executor || DEFAULT_EXECUTOR,
    title: meta.title ?? "",
    payload: fields.payload ?? "",
    exitCode: exitCodeOfJob(job),
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
    labels: Object.fromEntries(
      Object.entries(meta).filter(([key]) => key.startsWith("label:")).map(([key, value]) => [key.slice(6), value]),
    ),
    priority: meta.priority ?? "normal",
    cwd: meta.cwd ?? "",
    after: meta.after ?? "",
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
  // the record of an attempt that has ended may still say so
  if (sinceMs === null || fields.status !== "started" || meta.done === meta.token) return null;
  return { sinceMs, line: meta.input_line ?? "" };
}

/** The exit code behind a sentence of the `error` field, as src/domain/outcome.ts writes them. */
function codeOfSentence(error: string): number {
  if (/^timed out\b/.test(error)) return EXIT.timedOut;
  if (/^cancelled\b/.test(error)) return EXIT.cancelled;
  if (/^lost\b/.test(error)) return EXIT.lost;
  const exited = /^exited with code (\d{1,3})$/.exec(error);
  if (exited) return Number(exited[1]);
  const killed = /^killed by signal (\d{1,2})\b/.exec(error);
  if (killed && signalOf(128 + Number(killed[1]))) return 128 + Number(killed[1]);
  return EXIT.failed;
}

/**
 * The exit code with which `runner wait` ends for a job.
 *
 * @returns `null` when the job has not ended.
 */
export function exitCodeOfJob(job: StoredJob): number | null {
  const status = job.fields.status ?? "";
  if (!isFinal(status)) return null;
  if (status === "finished") return EXIT.ok;
  const said = codeOfSentence(job.fields.error ?? "");
  // a job that was cancelled or lost between two attempts still carries the exit code of the earlier one
  if (said === EXIT.timedOut || said === EXIT.cancelled || said === EXIT.lost) return said;
  const exact = number(job.meta.exit);
  return exact !== null && exact > 0 && exact < 256 ? exact : said;
}
