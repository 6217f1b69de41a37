import { asList, type Submission } from "./submission.ts";

/**
 * Job metadata: a HASH beside the job, never in it, because other programs own the job. Times are Unix milliseconds by
 * Redis' clock, durations are seconds unless the name says ms. A label is the field `label:NAME`; a job for which this
 * one waits is `after:ID`, and `met:ID` once it has met the condition.
 */
export interface JobMeta {
  /** Number of the newest attempt, from 1. */
  attempt?: string;
  /** `ATTEMPT.NONCE` of the newest attempt; `0` when its owner has lost it. */
  token?: string;
  /** Instance that owns the newest attempt. */
  instance?: string;
  /** Earlier attempts, newest first, at most ten lines: `TOKEN INSTANCE OUTPUT_BYTES RUNNER`; `-` for unknown bytes. */
  earlier?: string;
  /** Process that owns the newest attempt. */
  nonce?: string;
  started_ms?: string;
  ended_ms?: string;
  /** Milliseconds from start to end. */
  ms?: string;
  /** Token of the attempt whose end was written. */
  done?: string;
  /** Exit code as `runner wait` returns it. */
  exit?: string;
  /** Bytes of output that the attempt wrote. */
  output_bytes?: string;
  /** `1` when part of the output was not captured. */
  truncated?: string;
  /** Names of background programs that were killed at its end. */
  left?: string;
  /** Reason of a requested cancellation, possibly empty; absent when none was requested. */
  cancel?: string;
  /** Time since which the running attempt waits for input; else absent. */
  input_ms?: string;
  /** Terminal line that prompts for the input; else absent. */
  input_line?: string;
  /** Number of times that its host was lost. */
  lost?: string;
  /** Set once the job was moved to the queue of another runner. */
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
  /** Limits of the job: a key a line, in the order in which it names them. */
  limits?: string;
  /** `N KEY`: a limit besides, whose N stands here alone, as that of a batch. */
  own_limit?: string;
  /**
   * Permits of the newest attempt, `NUMBER N REVISION KEY` a line: those of `limits`, of `own_limit`, and of its queue,
   * which has `-` for a number.
   */
  permits?: string;
  /** Place among parked jobs: priority, time and count of the first queueing. */
  rank?: string;
  /** `KEY\nRUNNER` while the job is parked: the limit that is reached, and the queue. */
  parked?: string;
  /** `1` when it was ended because of a job for which it waited. */
  skipped?: string;
  /** State as which its batch counts it; absent when it belongs to none. */
  as?: string;
}

/**
 * What another job must have done before a job starts: finished, or ended in any way.
 *
 * ```ts no-eval
 * import { Client, type Condition } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const conditions: Condition[] = (await client.read("deploy")).after.map(({ condition }) => condition);
 * ```
 */
export type Condition = "finished" | "ended";

/**
 * A job for which another one waits.
 *
 * ```ts no-eval
 * import { Client, type Dependency } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const { after } = await client.read("deploy");
 * const open: Dependency[] = after.filter(({ met }) => !met);
 * console.log(open.map(({ id }) => id));
 * ```
 */
export interface Dependency {
  /** Id of the other job. */
  readonly id: string;
  /** What it must have done. */
  readonly condition: Condition;
  /** Whether it has: from then on its later state changes nothing. */
  readonly met: boolean;
}

/** Reads the jobs for which a job waits or waited: the fields `after:ID` and, once the condition is met, `met:ID`. */
export function dependenciesOf(meta: Readonly<Record<string, string>>): Dependency[] {
  return Object.entries(meta).flatMap(([name, condition]) => {
    const [, prefix, id] = /^(after|met):(.*)$/s.exec(name) ?? [];
    return id === undefined
      ? []
      : [{ id, condition: condition === "ended" ? condition : "finished", met: prefix === "met" }];
  });
}

/** Returns the fields of the jobs for which a submission waits, each once. */
export function conditionsOf({ after, afterEnd }: Submission): Record<string, Condition> {
  const all: Record<string, Condition> = {};
  for (const id of asList(afterEnd)) all[`after:${id}`] = "ended";
  for (const id of asList(after)) all[`after:${id}`] = "finished";
  return all;
}

/**
 * Reads a non-negative number of the job metadata. Returns `fallback` when it is absent or invalid, because other
 * programs can have written it.
 */
export function metaNumber(text: string | undefined, fallback: number): number {
  const number = /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text ?? "") ? Number(text) : NaN;
  return number >= 0 && number < Infinity ? number : fallback;
}

/** Returns the labels in job metadata, by name. */
export function labelsOf(meta: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(meta).filter(([key]) => key.startsWith("label:")).map(([key, value]) => [key.slice(6), value]),
  );
}

/** Returns the initial job metadata of a submission; empty when it sets none of these options. */
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
  set("limits", submission.limits?.join("\n"));
  for (const [name, value] of Object.entries(submission.labels ?? {})) meta[`label:${name}`] = value;
  return meta;
}
