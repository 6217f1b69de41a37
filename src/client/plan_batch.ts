import { checkBatchId, INDEX_VARIABLE } from "../domain/batch.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { checkEnv } from "../domain/job.ts";
import { MAX_BATCH } from "../domain/limits.ts";
import type { BatchMember, BatchSubmission } from "../ports/batches.ts";
import { checkEnvironment, checkSubmission } from "./check_submission.ts";
import type { Draft } from "./read_submission.ts";
import { makeReady } from "./submit.ts";

/** One or more variables, and their values of which each member has one row. */
export interface Axis {
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What the members of a batch have in common, and in what they differ. */
export interface BatchPlan {
  readonly draft: Draft;
  /** Members are the product of the axes, of which the last one varies fastest. */
  readonly axes: readonly Axis[];
  /** Members that differ in more than variables; then there are no axes. */
  readonly members?: readonly BatchMember[];
  readonly stopAfter?: number;
  /** Number of members that may run at the same time. */
  readonly atMost?: number;
}

function refuse(reason: string): never {
  throw new InvalidInputError(`Cannot submit batch: ${reason}`);
}

function checkAxes(axes: readonly Axis[], env: Readonly<Record<string, string>>): void {
  const seen = new Set<string>();
  for (const { names, rows } of axes) {
    if (rows.length === 0) refuse(`there are no values for ${names.join(", ")}`);
    for (const [i, name] of names.entries()) {
      checkEnv(name, "");
      if (seen.has(name)) refuse(`two options set the variable ${name}; write one of them`);
      if (Object.hasOwn(env, name)) refuse(`--env and the members both set the variable ${name}; write one of them`);
      seen.add(name);
      for (const row of rows) checkEnvironment({ [name]: row[i] });
    }
  }
}

/** Returns the number of members, which has a limit. */
function sizeOf({ axes, members }: BatchPlan): number {
  const size = members?.length ?? axes.reduce((product, { rows }) => product * rows.length, 1);
  if (size === 0) refuse("it has no members");
  if (size > MAX_BATCH) refuse(`it has ${size} members, more than ${MAX_BATCH}; submit several`);
  return size;
}

/** Returns the variables of a member: one row of each axis. */
function variablesOf(axes: readonly Axis[], index: number): Record<string, string> {
  const variables: [string, string][] = [];
  let rest = index - 1;
  for (const { names, rows } of axes.toReversed()) {
    const row = rows[rest % rows.length];
    rest = Math.floor(rest / rows.length);
    variables.push(...names.map((name, i): [string, string] => [name, row[i]]));
  }
  return Object.fromEntries(variables.reverse());
}

/** Returns the longest variables that a member has. */
function longestOf(axes: readonly Axis[]): Record<string, string> {
  const sizeOf = (row: readonly string[]) => row.reduce((sum, { length }) => sum + length, 0);
  return Object.fromEntries(axes.flatMap(({ names, rows }) => {
    const row = rows.reduce((longest, one) => sizeOf(one) > sizeOf(longest) ? one : longest);
    return names.map((name, i): [string, string] => [name, row[i]]);
  }));
}

/** How to make a batch. */
export interface PlanOptions {
  /** Unix time by Redis' clock. */
  readonly nowMs: number;
  readonly newId: () => string;
  /** Parser of the executors; throws for a string that no executor accepts. */
  readonly checkExecutor: (target: string) => void;
}

/**
 * Makes a batch that is ready to be queued.
 *
 * @throws {InvalidInputError} No runner could run its members, or there are none or too many.
 */
export function planBatch(plan: BatchPlan, { nowMs, newId, checkExecutor }: PlanOptions): BatchSubmission {
  const { draft, axes, members, stopAfter, atMost } = plan;
  const { env = {}, ...rest } = draft.submission;
  checkAxes(axes, env);
  const size = sizeOf(plan);
  const member = (index: number): BatchMember => {
    const own = members?.[index - 1];
    return { ...own, env: { ...env, [INDEX_VARIABLE]: String(index), ...variablesOf(axes, index), ...own?.env } };
  };
  if (draft.submission.id !== undefined) checkBatchId(draft.submission.id);
  const largest = { ...member(1).env, ...longestOf(axes) };
  checkSubmission({ ...draft, submission: { ...rest, ...members?.[0]?.own, env: largest } }, checkExecutor);
  const { id, ...shared } = makeReady({ ...draft, submission: rest }, nowMs, newId);
  return {
    ...{ id, shared, size, member },
    definition: JSON.stringify([{ ...rest, env, id }, draft.delay, axes, members, stopAfter, atMost]),
    params: axes.flatMap(({ names }) => names),
    ...stopAfter === undefined ? {} : { stopAfter },
    ...atMost === undefined ? {} : { atMost },
  };
}
