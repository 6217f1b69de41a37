import { InvalidInputError } from "../domain/errors.ts";
import { OUTCOMES, type OutcomeWord } from "../domain/outcome.ts";
import { STATE_NAMES, statusOf } from "../domain/state_words.ts";
import type { JobView } from "./job_view.ts";

/**
 * Conditions of which a job must fulfil all; one that is left out is no condition.
 *
 * ```ts no-eval
 * import { Client, type Filter } from "@hero/runner";
 *
 * const nightlyFailures: Filter = { outcomes: ["failed", "timed-out"], labels: { nightly: null } };
 * await using client = await Client.connect();
 * for await (const job of client.list(nightlyFailures)) console.log(job.id, job.error);
 * ```
 */
export interface Filter {
  /**
   * In one of these states: `queued`, `running`, `waiting` (for input), `finished`, `failed`, `skipped`, or as in
   * Redis.
   */
  readonly states?: readonly string[];
  /** Ended in one of these ways. */
  readonly outcomes?: readonly OutcomeWord[];
  /** Name of its runner. */
  readonly runner?: string;
  /** Identifies its submitter. */
  readonly callerId?: string;
  /** What it belongs to. */
  readonly contextId?: string;
  /** Labels that it has; `null`: with any value. */
  readonly labels?: Readonly<Record<string, string | null>>;
  /** Id of the batch to which it belongs. */
  readonly batch?: string;
  /** Created at this time or later, Unix ms. */
  readonly sinceMs?: number;
  /** Created before this time, Unix ms. */
  readonly beforeMs?: number;
  /** Part of its title or of the first 1,000 bytes of its payload, in upper or lower case. */
  readonly text?: string;
}

/**
 * The jobs that a call is about: those that are named, or those that fit the conditions.
 *
 * ```ts no-eval
 * import { Client, type Selection } from "@hero/runner";
 *
 * const these: Selection = { ids: ["@", "3f2a"] };
 * const those: Selection = { states: ["queued"], runner: "build" };
 * await using client = await Client.connect();
 * console.log(await client.cancelAll(these), await client.cancelAll(those));
 * ```
 */
export interface Selection extends Filter {
  /** Ids, first letters of ids, `@` for the newest job or `@~N` for the one N before it; no conditions beside them. */
  readonly ids?: readonly string[];
}

/** Returns whether a job is in a state; one that waits for input is `running` as well, a skipped one `failed`. */
function isIn(job: JobView, name: string): boolean {
  return job.status === statusOf(name) && (name !== "waiting" || job.input !== null) &&
    (name !== "skipped" || job.skipped);
}

function isCreatedWithin({ createdMs }: JobView, { sinceMs = -Infinity, beforeMs = Infinity }: Filter): boolean {
  if (sinceMs === -Infinity && beforeMs === Infinity) return true;
  return createdMs !== null && createdMs >= sinceMs && createdMs < beforeMs;
}

function hasText({ title, payload }: JobView, text: string): boolean {
  const wanted = text.toLowerCase();
  return [title, payload].some((part) => part.toLowerCase().includes(wanted));
}

/** Returns whether a job fulfils all conditions. */
export function fits(job: JobView, filter: Filter): boolean {
  const { states = [], outcomes = [], runner, callerId, contextId, labels = {}, batch, text } = filter;
  return (states.length === 0 || states.some((name) => isIn(job, name))) &&
    (outcomes.length === 0 || job.outcome !== null && outcomes.includes(job.outcome)) &&
    (runner === undefined || job.runner === runner) &&
    (callerId === undefined || job.callerId === callerId) &&
    (contextId === undefined || job.contextId === contextId) &&
    (batch === undefined || job.batch === batch) &&
    isCreatedWithin(job, filter) &&
    Object.entries(labels).every(([name, value]) =>
      value === null ? Object.hasOwn(job.labels, name) : job.labels[name] === value
    ) &&
    (text === undefined || hasText(job, text));
}

/** Returns whether there is any condition. */
export function isFiltered(filter: Filter): boolean {
  const { states = [], outcomes = [], labels = {} } = filter;
  const { runner, callerId, contextId, batch, sinceMs, beforeMs, text } = filter;
  return states.length + outcomes.length + Object.keys(labels).length > 0 ||
    [runner, callerId, contextId, batch, sinceMs, beforeMs, text].some((condition) => condition !== undefined);
}

/** Returns whether a job that has not started can fit. */
export function canBeWaiting({ states = [], outcomes = [] }: Filter): boolean {
  return outcomes.length === 0 && (states.length === 0 || states.some((name) => statusOf(name) === "dispatched"));
}

/** Returns whether only jobs that have not started can fit. */
export function isWaitingOnly({ states = [] }: Filter): boolean {
  return states.length > 0 && states.every((name) => statusOf(name) === "dispatched");
}

/**
 * Checks a selection that a program gives.
 *
 * @param verb What is to be done with the jobs, such as `cancel`.
 * @throws {InvalidInputError} A word in it is unknown, or it has both ids and conditions.
 */
export function checkSelection(selection: Selection, verb: string): void {
  const refuse = (reason: string): never => {
    throw new InvalidInputError(`Cannot ${verb} jobs: ${reason}`);
  };
  const { states = [], outcomes = [], ids } = selection;
  const check = (what: string, words: readonly string[], known: readonly string[]) => {
    const wrong = words.find((word) => !known.includes(word));
    if (wrong !== undefined) refuse(`${what} ${JSON.stringify(wrong)} is not one of ${known.join(", ")}`);
  };
  check("state", states, STATE_NAMES);
  check("outcome", outcomes, OUTCOMES);
  for (const key of ["sinceMs", "beforeMs"] as const) {
    if (Number.isNaN(selection[key] ?? 0)) refuse(`${key} is no number`);
  }
  // as of an unset variable: it would select other jobs than were meant
  for (const key of ["runner", "callerId", "contextId", "batch", "text"] as const) {
    if (selection[key] === "") refuse(`${key} is empty`);
  }
  if (ids !== undefined && isFiltered(selection)) refuse("ids and conditions are given together; give one of them");
}
