import { metaNumber } from "../domain/job_meta.ts";
import type { StoredJob } from "../ports/job_store.ts";

/** An attempt of a job, as far as the job's metadata names it. */
export interface FormerAttempt {
  /** The job with the metadata of this attempt: `attempt`, `token`, `instance` and `runner`. */
  readonly job: StoredJob;
  /** Bytes of output that it wrote; `null` when that is not known, or it is the newest one: then the job says it. */
  readonly total: number | null;
}

/** Returns an attempt of a job by its number; `null` when nothing is known of it any more. */
export function attemptOf(job: StoredJob, number: number): FormerAttempt | null {
  const { attempt, token, instance, earlier = "" } = job.meta;
  if (number === metaNumber(attempt, 0)) {
    return token && token !== "0" && instance ? { job, total: null } : null;
  }
  for (const line of earlier.split("\n")) {
    const [token = "", instance = "", bytes = "", ...runner] = line.split(" ");
    if (Number.parseInt(token) !== number || instance === "") continue;
    const { started_ms: _started, ended_ms: _ended, output_bytes: _bytes, ...rest } = job.meta;
    const meta: Record<string, string> = {
      ...rest,
      attempt: String(number),
      token,
      instance,
      runner: runner.join(" "),
    };
    if (/^\d+$/.test(bytes)) meta.output_bytes = bytes;
    return { job: { ...job, meta }, total: /^\d+$/.test(bytes) ? Number(bytes) : null };
  }
  return null;
}
