import type { CancelOptions } from "../ports/job_store.ts";
import { Batch } from "./batch.ts";
import type { Items } from "./items.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Steps } from "./steps.ts";

/** The most calls of a script, in one command, that search the whole queue for an id. */
export const SEARCHES = 32;

/** Runs the script `cancel`, for several jobs together. */
export class Cancellations {
  readonly #steps: Steps;
  readonly #batch: Batch;

  constructor(steps: Steps) {
    this.#steps = steps;
    this.#batch = new Batch(steps.link, SCRIPTS.cancel, { maxCalls: SEARCHES });
  }

  /**
   * Cancels a job.
   *
   * @param options `isString`: records the request also for a job that is a string.
   */
  async cancel(
    id: string,
    reason: string,
    options: CancelOptions & { readonly isString?: boolean } = {},
  ): Promise<[queue: string, reply: Items]> {
    const { queue = await runnerOf(this.#steps, id), waitingOnly = false, isString = false } = options;
    const { keys } = this.#steps;
    const reply = await this.#steps.together(this.#batch, id, {
      keys: [
        ...[keys.delay(queue), keys.queue(queue), keys.low(queue)],
        ...[keys.lease(queue), keys.paused(queue), keys.history(queue), keys.names(), keys.parked(queue)],
      ],
      args: [reason, queue, isString ? 1 : 0, waitingOnly ? 1 : 0],
    });
    return [queue, reply];
  }
}

/**
 * Returns the runner of a job: a further attempt belongs where the first one ran, whatever the job names. Empty when
 * neither is known.
 */
export async function runnerOf(steps: Steps, id: string): Promise<string> {
  const [ran, named] = await Promise.all([
    steps.field(steps.keys.meta(id), "runner"),
    steps.field(steps.keys.job(id), "runner"),
  ]);
  return ran || named || "";
}
