import { InvalidInputError } from "../domain/errors.ts";
import { asList, type Submission } from "../domain/submission.ts";
import type { BatchMember } from "../ports/batches.ts";
import type { Draft } from "./read_submission.ts";

/** What a member may have of its own, besides environment and labels. */
const OWN = [
  ...["payload", "executor", "callerId", "contextId", "timeout", "title", "cwd", "retries", "backoff", "keep"],
] as const satisfies readonly (keyof Submission)[];

/** What all members share, with the keys of a line that would set it. */
const SHARED: Readonly<Record<string, (draft: Draft) => unknown>> = {
  id: ({ submission }) => submission.id,
  runner: ({ submission }) => submission.runner,
  priority: ({ submission }) => submission.priority,
  after: ({ submission }) => asList(submission.after),
  after_end: ({ submission }) => asList(submission.afterEnd),
  at: ({ submission }) => submission.notBeforeMs,
  in: ({ delay }) => delay,
  limits: ({ submission }) => submission.limits,
};

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Returns what a job of a file has of its own as a member of a batch.
 *
 * @param defaults What the members share; they have no id.
 * @throws {InvalidInputError} It differs in what all members share.
 */
export function memberOf(draft: Draft, defaults: Draft): BatchMember {
  for (const [key, value] of Object.entries(SHARED)) {
    if (isSame(value(draft), value(defaults))) continue;
    throw new InvalidInputError(
      `Cannot use key ${JSON.stringify(key)} in a batch: all members have the same; set it by an option`,
    );
  }
  const { submission } = draft;
  const own: Record<string, unknown> = {};
  for (const key of OWN) if (!isSame(submission[key], defaults.submission[key])) own[key] = submission[key];
  const labels = Object.entries(submission.labels ?? {})
    .filter(([name, value]) => defaults.submission.labels?.[name] !== value);
  if (labels.length > 0) own.labels = Object.fromEntries(labels);
  return { env: submission.env ?? {}, own };
}
