import type { JobView } from "../../client/job_view.ts";
import type { JobDetail } from "./job_detail.ts";
import { formatTime } from "../../client/read_time.ts";

/** Formats a point in time for JSON: RFC 3339 in UTC, or null. */
export function timeJson(ms: number | null): string | null {
  return ms === null ? null : formatTime(ms);
}

/** Returns a job as a job list has it in JSON: times RFC 3339 UTC, durations in seconds. */
export function jobJson(job: JobView): Record<string, unknown> {
  return {
    id: job.id,
    status: job.status,
    exit_code: job.exitCode,
    outcome: job.outcome,
    error: job.error || null,
    skipped: job.skipped,
    output_truncated: job.truncated,
    killed_in_background: job.left === "" ? [] : job.left.split(", "),
    runner: job.runner,
    executor: job.executor,
    title: job.title || null,
    attempt: job.attempt,
    created_at: timeJson(job.createdMs),
    started_at: timeJson(job.startedMs),
    ended_at: timeJson(job.endedMs),
    seconds: job.seconds,
    waiting_for_input: job.input && { since: timeJson(job.input.sinceMs), line: job.input.line },
    caller_id: job.callerId || null,
    context_id: job.contextId || null,
    labels: job.labels,
  };
}

/** Returns everything about one job for JSON. Values of its environment may be secrets and are left out. */
export function jobDetailJson(
  job: JobView,
  extra: Pick<JobDetail, "why" | "host" | "attach" | "dependencies">,
): Record<string, unknown> {
  return {
    ...jobJson(job),
    now: extra.why || null,
    host: extra.host,
    instance: job.instance,
    attach: extra.attach,
    payload: job.payload,
    result: job.result,
    output_bytes: job.outputBytes,
    timeout: job.timeout,
    cwd: job.cwd || null,
    env_names: job.envNames,
    priority: job.priority,
    limits: job.limits,
    waits_for_limit: job.waitsForLimit,
    after: extra.dependencies.after.map(({ id, condition, met, status }) => ({ id, condition, met, status })),
    before: extra.dependencies.before,
    more_before: extra.dependencies.more,
    retries: job.retries,
    cancel_reason: job.cancelReason,
  };
}
