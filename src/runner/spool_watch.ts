import type { RunnerParts } from "./parts.ts";

/** Pause between two checks, milliseconds: a check costs two calls of stat. */
export const SPOOL_EVERY = 2000;

/** A spool that is no longer there. */
export interface LostSpool {
  /** Path of the first file that was missed. */
  readonly path: string;
  /** All but the lock is there, so that the next process will find what runs. */
  readonly isWhole: boolean;
}

/**
 * Detects that the spool is no longer the folder that this process opened: it was removed, or replaced by another one.
 */
export class SpoolWatch {
  readonly #parts: Pick<RunnerParts, "executors" | "missing">;
  readonly #lost = Promise.withResolvers<LostSpool>();
  #isLost = false;

  constructor(parts: Pick<RunnerParts, "executors" | "missing">) {
    this.#parts = parts;
  }

  /** Resolves when a file of the spool is missed. */
  get lost(): Promise<LostSpool> {
    return this.#lost.promise;
  }

  /** One round. */
  async tick(): Promise<void> {
    if (this.#isLost) return;
    const { executors, missing } = this.#parts;
    let data = missing.journal();
    for (const executor of executors.values()) {
      const path = await executor.missing(); // call each one: an executor then stops trusting its folder
      data ??= path;
    }
    const path = data ?? await missing.lock();
    if (path === null) return;
    this.#isLost = true;
    this.#lost.resolve({ path, isWhole: data === null });
  }
}
