import { INDEX_VARIABLE, LINE_VARIABLE } from "../domain/batch.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { DEFAULT_EXECUTOR, DEFAULT_RUNNER, MAX_BATCH } from "../domain/limits.ts";
import type { Submission } from "../domain/submission.ts";
import type { BatchSubmission } from "../ports/batches.ts";
import { type Axis, planBatch, type PlanOptions } from "./plan_batch.ts";

/**
 * In what the members of a batch differ; several together make all combinations.
 *
 * ```ts no-eval
 * import { type BatchMembers, Client } from "@hero/runner";
 *
 * const grid: BatchMembers = { params: { lr: [0.1, 0.01], seed: [1, 2, 3] } };
 * await using client = await Client.connect();
 * await client.submitBatch({ job: { payload: "train --lr $lr --seed $seed" }, ...grid });
 * ```
 */
export interface BatchMembers {
  /** First and last number: each member has one in `RUNNER_INDEX`. */
  readonly array?: readonly [first: number, last: number];
  /** Values by the name of a variable: each member has one of each. */
  readonly params?: Readonly<Record<string, readonly (string | number)[]>>;
  /** Texts: each member has one in `RUNNER_LINE`. */
  readonly each?: readonly string[];
}

/**
 * A batch to be submitted; its members are the jobs `ID.1`, `ID.2` and so on.
 *
 * ```ts no-eval
 * import { Client, type NewBatch } from "@hero/runner";
 *
 * const nightly: NewBatch = { job: { id: "nightly-7", payload: "make test-$RUNNER_INDEX" }, array: [1, 200] };
 * await using client = await Client.connect();
 * await client.submitBatch(nightly);
 * console.log((await client.waitBatch("nightly-7")).counts.ok);
 * ```
 */
export interface NewBatch extends BatchMembers {
  /** What all members have in common. Its id is that of the batch. */
  readonly job: Partial<Submission> & Pick<Submission, "payload">;
  /** When this number of members have failed, those that have not started end as skipped. */
  readonly stopAfter?: number;
  /** At most this number of members run at the same time, on all hosts together. */
  readonly atMost?: number;
}

function arrayAxis([first, last]: readonly [number, number]): Axis {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first < 0 || last < first) {
    throw new InvalidInputError(`Cannot submit batch: ${first} to ${last} is no range of whole numbers from 0 on`);
  }
  const count = last - first + 1;
  if (count > MAX_BATCH) {
    throw new InvalidInputError(`Cannot submit batch: it has ${count} members, more than ${MAX_BATCH}; submit several`);
  }
  return { names: [INDEX_VARIABLE], rows: Array.from({ length: count }, (_, i) => [String(first + i)]) };
}

/**
 * Makes a batch that is ready to be queued from what a program gives.
 *
 * @throws {InvalidInputError} No runner could run its members, or there are none or too many.
 */
export function submissionOf(batch: NewBatch, options: PlanOptions): BatchSubmission {
  const { job, array, params = {}, each, stopAfter, atMost } = batch;
  const axes: Axis[] = [
    ...array === undefined ? [] : [arrayAxis(array)],
    ...Object.entries(params).map(([name, values]) => ({ names: [name], rows: values.map((one) => [String(one)]) })),
    ...each === undefined ? [] : [{ names: [LINE_VARIABLE], rows: each.map((line) => [line]) }],
  ];
  if (axes.length === 0) {
    throw new InvalidInputError("Cannot submit batch: its members do not differ; give array, params or each");
  }
  for (const [name, value] of Object.entries({ stopAfter, atMost })) {
    if (value === undefined || Number.isInteger(value) && value > 0) continue;
    throw new InvalidInputError(`Cannot submit batch: ${name} must be a whole number above 0`);
  }
  const { runner = DEFAULT_RUNNER, executor = DEFAULT_EXECUTOR } = job;
  return planBatch({ draft: { submission: { ...job, runner, executor } }, axes, stopAfter, atMost }, options);
}
