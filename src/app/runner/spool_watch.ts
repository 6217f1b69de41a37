import type { RunnerParts } from "./parts.ts";

/** Pause between two looks, milliseconds: a look is two calls of stat. */
export const SPOOL_EVERY = 2000;

/** Notices that the spool is no longer the folder that this process opened: it was removed, or replaced by another one. */
export class SpoolWatch {
  readonly #parts: RunnerParts;
  /** Path of the first file that was missed. */
  lost: string | null = null;
  /** Called once, with that path. */
  onLost: (path: string) => void = () => {};

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** One look. */
  async tick(): Promise<void> {
    if (this.lost !== null) return;
    const { executors, missing } = this.#parts;
    for (const look of [missing, ...[...executors.values()].map((executor) => () => executor.missing())]) {
      const path = await look(); // each is asked: an executor stops to trust its folder then
      this.lost ??= path;
    }
    if (this.lost !== null) this.onLost(this.lost);
  }
}
