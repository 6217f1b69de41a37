import type { Submission } from "./submission.ts";

/**
 * Our bookkeeping of a job, a HASH beside the job (never in it, because other programs own that). Times are Unix
 * milliseconds of Redis' clock, durations seconds unless the name says ms. Labels stand as `label:NAME`.
 */
export interface JobMeta {
  /** Number of the newest attempt, from 1. */
  attempt?: string;
  /** `ATTEMPT.NONCE` of the newest attempt; `0` when it was taken away from its owner. */
  token?: string;
  /** Instance and process that own it. */
  instance?: string;
  nonce?: string;
  started_ms?: string;
  ended_ms?: string;
  /** Milliseconds from start to end. */
  ms?: string;
  /** Token of the attempt whose end was written. */
  done?: string;
  /** Exit code as `runner wait` gives it. */
  exit?: string;
  /** Bytes that the attempt wrote. */
  output_bytes?: string;
  /** `1` when part of what it wrote was not captured. */
  truncated?: string;
  /** Names of programs that were killed in the background at its end. */
  left?: string;
  /** Set when somebody asked to cancel; the reason, possibly empty. */
  cancel?: string;
  /** Since when the running attempt waits for somebody to type, and what the line that asks shows; else absent. */
  input_ms?: string;
  input_line?: string;
  /** Times that its host was lost. */
  lost?: string;
  /** Set when the job was moved to the queue of another runner once. */
  rerouted?: string;
  /** The JSON text of a job that was stored as a string. */
  raw?: string;
  retry_max?: string;
  backoff_from?: string;
  backoff_to?: string;
  keep?: string;
  cwd?: string;
  title?: string;
  priority?: string;
  /** Id of the job that must have finished first. */
  after?: string;
  /** Set when that job had finished: whatever becomes of it later, this one need not wait for it. */
  met?: string;
}

/**
 * A number of a job metadata, from 0; `fallback` when it is absent or none, since other programs can have written it.
 */
export function metaNumber(text: string | undefined, fallback: number): number {
  const number = Number(text || NaN);
  return number >= 0 && number < Infinity ? number : fallback;
}

/** The job metadata with which a submission begins; empty when it asks for nothing special. */
export function metaOf(submission: Submission): Record<string, string> {
  const meta: Record<string, string> = {};
  const set = (name: keyof JobMeta, value: string | number | undefined) => {
    if (value !== undefined && value !== "") meta[name] = String(value);
  };
  set("retry_max", submission.retries);
  set("backoff_from", submission.backoff?.from);
  set("backoff_to", submission.backoff?.to);
  set("keep", submission.keep);
  set("cwd", submission.cwd);
  set("title", submission.title);
  set("priority", submission.priority === "normal" ? undefined : submission.priority);
  set("after", submission.after);
  for (const [name, value] of Object.entries(submission.labels ?? {})) meta[`label:${name}`] = value;
  return meta;
}
