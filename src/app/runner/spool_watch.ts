import type { RunnerParts } from "./parts.ts";

/** Pause between two looks, milliseconds: a look is two calls of stat. */
export const SPOOL_EVERY = 2000;

/**
 * Notices that the spool is no longer the folder that this process opened: it was removed, or replaced by another one.
 */
export class SpoolWatch {
  readonly #parts: RunnerParts;
  /** Path of the first file that was missed. */
  lost: string | null = null;
  /**
   * Called once, with that path; `isWhole`: all but the lock is there, so that the next process will find what runs.
   */
  onLost: (path: string, isWhole: boolean) => void = () => {};

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** One look. */
  async tick(): Promise<void> {
    if (this.lost !== null) return;
    const { executors, missing } = this.#parts;
    let data = missing.journal();
    for (const executor of executors.values()) {
      const path = await executor.missing(); // each is asked: an executor stops to trust its folder then
      data ??= path;
    }
    this.lost = data ?? await missing.lock();
    if (this.lost !== null) this.onLost(this.lost, data === null);
  }
}
