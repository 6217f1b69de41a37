import type { RunnerParts } from "./parts.ts";

/** Index entries looked at in one round. */
const BATCH = 200;
/** Attempts after whose ends a round comes early: what they leave on disk is bounded by their number, not by time. */
export const EARLY_AFTER = 512;

/** Removes what is not needed any more: index entries of jobs that left Redis, old records and files of the spool. */
export class Janitor {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** One round, which ends early when the signal aborts. */
  async tick(signal?: AbortSignal): Promise<void> {
    const { queue, journal, executors, settings } = this.#parts;
    const forgotten = journal.prune();
    const hasRecord = (name: string) => journal.find(name) !== undefined;
    for (const executor of executors.values()) {
      await executor.prune({ seconds: settings.keep, forgotten, hasRecord, signal });
    }
    if (!signal?.aborted) await queue.sweep(BATCH);
  }
}
