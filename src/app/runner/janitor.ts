import type { RunnerParts } from "./parts.ts";

/** Index entries looked at in one round. */
const BATCH = 200;

/** Removes what nobody needs any more: index entries of jobs that left Redis, old records and files of the spool. */
export class Janitor {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** One round. */
  async tick(): Promise<void> {
    const { queue, spool, executors, settings } = this.#parts;
    spool.prune();
    for (const executor of executors.values()) await executor.prune(settings.keep);
    await queue.sweep(BATCH);
  }
}
