import { UnavailableError } from "../domain/errors.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Trouble } from "../ports/queue.ts";
import type { JobView } from "./job_view.ts";
import { type Filter, fits } from "./selection.ts";
import { type SelectedJob, viewFound } from "./select_jobs.ts";

/** Jobs that are changed side by side: enough to keep Redis busy. */
const AT_ONCE = 256;

/**
 * Why one of several jobs was left unchanged. `changed`: it no longer fits. `gone`: Redis no longer has it. `unfit`:
 * its keys hold foreign values.
 *
 * ```ts no-eval
 * import { Client, type LeftAlone } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const counts = await client.cancelAll({ states: ["queued"] });
 * const unchanged: readonly LeftAlone[] = ["changed", "gone", "unfit"];
 * console.log(unchanged.map((why) => `${counts[why] ?? 0} ${why}`));
 * ```
 */
export type LeftAlone = "changed" | "gone" | "unfit";

/**
 * Numbers of jobs by what became of them.
 *
 * ```ts no-eval
 * import { type Cancelled, type Changes, Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const counts: Changes<Cancelled> = await client.cancelAll({ labels: { nightly: null } });
 * console.log(counts.cancelled ?? 0, counts.requested ?? 0);
 * ```
 */
export type Changes<Result extends string> = Readonly<Partial<Record<Result | LeftAlone, number>>>;

/** How to change jobs. */
export interface Change<Result extends string> {
  /** Which jobs; each is read again just before it is changed. */
  readonly filter: Filter;
  /** Changes one job, atomically. */
  readonly change: (job: JobView, queue: string | null) => Promise<Result | LeftAlone>;
  /** Called for each job, in their order. */
  readonly onResult: (id: string, result: Result | LeftAlone) => void | Promise<void>;
}

/**
 * Changes selected jobs, many side by side. When Redis becomes unreachable, `onResult` was called for every job of
 * which the result is known.
 */
export async function changeJobs<Result extends string>(
  store: JobStore,
  jobs: readonly SelectedJob[],
  { filter, change, onResult }: Change<Result>,
): Promise<void> {
  for (let at = 0; at < jobs.length; at += AT_ONCE) {
    const some = jobs.slice(at, at + AT_ONCE);
    const stored = await store.summaries(some.map(({ id }) => id));
    const results = await Promise.allSettled(some.map(async ({ queue }, i) => {
      const job = stored[i];
      if (job === null) return "gone";
      const view = viewFound(job, queue);
      return fits(view, filter) ? await orUnfit(change(view, queue)) : "changed";
    }));
    for (const [i, result] of results.entries()) {
      if (result.status === "fulfilled") await onResult(some[i].id, result.value);
    }
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}

/** A job whose keys hold foreign values does not keep the others from being changed. */
async function orUnfit<Result>(changed: Promise<Result>): Promise<Result | "unfit"> {
  try {
    return await changed;
  } catch (error) {
    if (error instanceof UnavailableError && (error as Partial<Trouble>).condition === "unfit") return "unfit";
    throw error;
  }
}

/** Counts results by their name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Counts one. */
  add(result: string): void {
    this.#counts.set(result, this.of(result) + 1);
  }

  /** Returns how many had one of these results. */
  of(...results: readonly string[]): number {
    return results.reduce((sum, result) => sum + (this.#counts.get(result) ?? 0), 0);
  }

  /** Returns the counts of all results that occurred. */
  counts<Result extends string>(): Changes<Result> {
    return Object.fromEntries(this.#counts) as Changes<Result>;
  }
}
