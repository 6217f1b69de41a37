import { isFinal } from "../domain/lifecycle.ts";
import type { JobStore } from "../ports/job_store.ts";
import { type JobView, viewJob } from "./job_view.ts";

/** Number of index entries that one step reads. */
const PAGE = 1_000;
const HOUR_MS = 3_600_000;

/** The value that half of all values, and that 95 of 100, do not exceed; seconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** Statistics of the jobs that ended within a time. */
export interface Statistics {
  /** Start of the hour, Unix ms; `null` for all hours together. */
  readonly hourMs: number | null;
  /** Number of jobs with status `finished`. */
  readonly finished: number;
  /** Number of jobs with status `error`. */
  readonly failed: number;
  /** From submission to start, of jobs that ended with their first attempt; `null` when there are none. */
  readonly waiting: Percentiles | null;
  /** Duration of the newest attempts; `null` when none was started. */
  readonly running: Percentiles | null;
}

/** Which jobs count. */
export interface StatisticsQuery {
  /** Name of their runner. */
  readonly runner: string;
  /** Only jobs that were created at this time or later, Unix ms. */
  readonly sinceMs: number;
}

/** Durations of the jobs that ended within an hour. */
class Hour {
  readonly waiting: number[] = [];
  readonly running: number[] = [];
  finished = 0;
  failed = 0;

  add({ status, attempt, createdMs, startedMs, seconds }: JobView): void {
    if (status === "finished") this.finished++;
    else this.failed++;
    if (startedMs === null) return;
    if (seconds !== null) this.running.push(seconds);
    // clocks of clients that set the time themselves may differ
    if (attempt === 1 && createdMs !== null) this.waiting.push(Math.max(0, startedMs - createdMs) / 1000);
  }

  statistics(hourMs: number | null): Statistics {
    const { finished, failed } = this;
    return { hourMs, finished, failed, waiting: percentilesOf(this.waiting), running: percentilesOf(this.running) };
  }
}

/** Nearest-rank percentiles: the smallest value that is not exceeded by that share of all values. */
function percentilesOf(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  const ordered = Float64Array.from(values).sort();
  const at = (share: number) => ordered[Math.ceil(share * ordered.length) - 1];
  return { p50: at(0.5), p95: at(0.95) };
}

/**
 * Returns the statistics of the jobs of a queue that have ended and are still in Redis: of all together, then hour by
 * hour, the newest first. Reads the jobs page by page, and keeps their durations only.
 */
export async function readStatistics(store: JobStore, query: StatisticsQuery): Promise<readonly Statistics[]> {
  const hours = new Map<number, Hour>();
  const all = new Hour();
  for await (const job of endedJobs(store, query)) {
    const hourMs = Math.floor(job.endedMs! / HOUR_MS) * HOUR_MS;
    let hour = hours.get(hourMs);
    if (!hour) hours.set(hourMs, hour = new Hour());
    hour.add(job);
    all.add(job);
  }
  const newestFirst = [...hours].sort(([a], [b]) => b - a);
  return [all.statistics(null), ...newestFirst.map(([ms, hour]) => hour.statistics(ms))];
}

async function* endedJobs(store: JobStore, { runner, sinceMs }: StatisticsQuery): AsyncGenerator<JobView> {
  // a job that comes meanwhile moves the others: none is counted twice
  const seen = new Set<string>();
  for (let from = 0;; from += PAGE) {
    const ids = await store.newest(PAGE, from);
    const jobs = (await store.summaries(ids.filter((id) => !seen.has(id)))).filter((job) => job !== null).map(viewJob);
    for (const id of ids) seen.add(id);
    for (const job of jobs) {
      const isCounted = isFinal(job.status) && job.endedMs !== null && (job.createdMs ?? 0) >= sinceMs;
      if (isCounted && job.runner === runner) yield job;
    }
    const oldest = jobs.at(-1)?.createdMs ?? Infinity;
    if (ids.length < PAGE || oldest < sinceMs) return;
  }
}
