import type { Queue } from "../ports/queue.ts";
import type { RunnerParts } from "./parts.ts";
import { settleWaiting } from "./settle_waiting.ts";

/** Index entries checked in one round. */
const BATCH = 200;
/** Ended attempts after which a round comes early: their number, not time, bounds what they leave on disk. */
export const EARLY_AFTER = 512;

/** What it works with. */
type JanitorParts = Pick<RunnerParts, "journal" | "executors" | "settings"> & {
  readonly queue: Pick<Queue, "settle" | "sweep" | "unsettled">;
};

/**
 * Removes data that is no longer needed: index entries of jobs that left Redis, old journal records and spool files;
 * and settles jobs that still wait for ended ones.
 */
export class Janitor {
  readonly #parts: JanitorParts;

  constructor(parts: JanitorParts) {
    this.#parts = parts;
  }

  /** Runs one round; ends early when the signal aborts. */
  async tick(signal?: AbortSignal): Promise<void> {
    const { queue, journal, executors, settings } = this.#parts;
    const forgotten = journal.prune();
    const hasRecord = (name: string) => journal.find(name) !== undefined;
    for (const executor of executors.values()) {
      await executor.prune({ seconds: settings.keep, forgotten, hasRecord, signal });
    }
    await settleWaiting(queue, await queue.unsettled(BATCH), signal);
    if (!signal?.aborted) await queue.sweep(BATCH);
  }
}
