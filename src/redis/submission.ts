import { conditionsOf, metaOf } from "../domain/job_meta.ts";
import type { Submission } from "../domain/submission.ts";
import type { SubmitCondition } from "../ports/job_store.ts";
import type { Keys } from "./keys.ts";
import type { ScriptCall } from "./script.ts";

/** Returns keys and arguments of the script `submit`, without those of every script about one job. */
export function callOf(
  keys: Keys,
  submission: Submission & { readonly id: string },
  { maxQueued }: SubmitCondition = {},
): ScriptCall {
  const { runner, priority = "normal", notBeforeMs } = submission;
  const after = conditionsOf(submission);
  const timed = notBeforeMs === undefined ? {} : { not_before: String(notBeforeMs) };
  const meta = { ...after, ...metaOf(submission), ...timed };
  return {
    keys: [keys.queue(runner), keys.low(runner), keys.delay(runner), keys.jobs(), keys.names(), keys.parked(runner)],
    args: [
      ...[runner, priority, notBeforeMs ?? "", Object.keys(after).length || ""],
      ...[submission.callerId ?? "", submission.contextId ?? ""],
      // 0 means the default, and is valid for a client that reads a number
      ...[submission.executor, submission.payload, submission.timeout ?? 0, JSON.stringify(submission.env ?? {})],
      ...[maxQueued ?? "", ...Object.entries(meta).flat()],
    ],
  };
}
