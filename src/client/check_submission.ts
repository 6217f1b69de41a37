import { InvalidInputError } from "../domain/errors.ts";
import { checkEnv } from "../domain/job.ts";
import { checkJobId } from "../domain/job_id.ts";
import {
  MAX_AFTER,
  MAX_DETAILS,
  MAX_LABELS,
  MAX_RUN_PAYLOAD,
  MAX_SUBMIT_PAYLOAD,
  MAX_TIME,
  MAX_TIMEOUT,
} from "../domain/limits.ts";
import { readLimits } from "../domain/limit_key.ts";
import { parentsOf, type Submission } from "../domain/submission.ts";
import { readRunnerName } from "../domain/runner_name.ts";
import type { Draft } from "./read_submission.ts";

function refuse(thing: string, reason: string): never {
  throw new InvalidInputError(`Cannot submit job: ${thing} ${reason}`);
}

function checkText(thing: string, text: string): void {
  if (text.includes("\0")) refuse(thing, "holds a NUL character");
  // a lone surrogate has no UTF-8 encoding: Redis would get a different text
  if (!text.isWellFormed()) refuse(thing, "is no valid Unicode text");
}

function checkNumber(thing: string, number: number, from: number, to = Number.MAX_SAFE_INTEGER): void {
  if (number > to) refuse(thing, `must be ${to} or less`);
  if (!(number >= from)) refuse(thing, `must be ${from === Number.MIN_VALUE ? "more than 0" : `${from} or more`}`);
}

function checkPayload(payload: string): void {
  if (payload.trim() === "") refuse("its payload", "is empty; write shell text");
  checkText("its payload", payload);
  const bytes = new TextEncoder().encode(payload).length;
  if (bytes > MAX_SUBMIT_PAYLOAD) {
    refuse("its payload", `has ${bytes} bytes, more than ${MAX_SUBMIT_PAYLOAD}; put the rest into a file on the host`);
  }
}

/**
 * Checks variables of a job.
 *
 * @throws {InvalidInputError} No runner could set them.
 */
export function checkEnvironment(env: Readonly<Record<string, string>>): void {
  let size = 0;
  for (const [name, value] of Object.entries(env)) {
    checkEnv(name, value);
    checkText(`environment variable "${name}"`, value);
    size += name.length + value.length;
  }
  if (size > MAX_RUN_PAYLOAD) refuse("its environment", `has ${size} characters, more than ${MAX_RUN_PAYLOAD}`);
}

function checkLabels(labels: Readonly<Record<string, string>>): void {
  const count = Object.keys(labels).length;
  if (count > MAX_LABELS) refuse("it", `has ${count} labels, more than ${MAX_LABELS}`);
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.\/-]{0,99}$/.test(name)) {
      refuse(`label ${JSON.stringify(name)}`, "is no name: it has up to 100 letters, digits, _, ., / and -");
    }
    checkText(`label "${name}"`, value);
  }
}

function checkParents(submission: Submission): void {
  const parents = parentsOf(submission);
  for (const id of parents) {
    checkJobId(id);
    if (id === submission.id) refuse("after", "names the job itself");
  }
  if (parents.length > MAX_AFTER) {
    refuse("after", `names ${parents.length} jobs, more than ${MAX_AFTER}; let some wait for the others`);
  }
}

/** Checks the size of all fields but payload and environment. Half of the limit is left for what a runner adds. */
function checkDetails({ payload: _, env: __, ...details }: Submission): void {
  const bytes = new TextEncoder().encode(JSON.stringify(details)).length;
  const most = MAX_DETAILS / 2;
  if (bytes > most) refuse("its texts and labels", `have ${bytes} bytes together, more than ${most}`);
}

/**
 * Checks everything about a job that can be checked before it is queued.
 *
 * @param draft The job to be queued.
 * @param checkExecutor Parser of the executors; throws for a string that no executor accepts.
 * @throws {InvalidInputError} No runner could run it. The message never holds a payload or an environment value.
 */
export function checkSubmission({ submission, delay = 0 }: Draft, checkExecutor: (target: string) => void): void {
  checkPayload(submission.payload);
  checkExecutor(submission.executor);
  readRunnerName(submission.runner);
  for (const key of ["runner", "callerId", "contextId", "title"] as const) {
    checkText(`its ${key}`, submission[key] ?? "");
  }
  if (submission.id !== undefined) checkJobId(submission.id);
  checkParents(submission);
  checkEnvironment(submission.env ?? {});
  checkLabels(submission.labels ?? {});
  readLimits(submission.limits ?? []);
  checkDetails(submission);
  const { cwd, timeout, retries, backoff, keep, notBeforeMs = 0 } = submission;
  checkNumber("its delay in seconds", delay, 0, MAX_TIME / 1000);
  if (!(Math.abs(notBeforeMs) < MAX_TIME)) refuse("its start", "must be a time before the year 11000");
  if (cwd !== undefined) {
    if (!cwd.startsWith("/")) {
      refuse("its working directory", 'must begin with "/", because it is on the host that runs it');
    }
    checkText("its working directory", cwd);
  }
  if (timeout !== undefined) checkNumber("its timeout in seconds", timeout, Number.MIN_VALUE, MAX_TIMEOUT);
  if (retries !== undefined) checkNumber("retries", Number.isInteger(retries) ? retries : NaN, 0);
  if (keep !== undefined) checkNumber("keep in seconds", keep, 0);
  if (backoff !== undefined) {
    checkNumber("backoff in seconds", backoff.from, 0);
    checkNumber("backoff in seconds", backoff.to, 0);
    if (backoff.to < backoff.from) refuse("backoff", "ends below its begin");
  }
}
