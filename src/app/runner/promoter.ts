import type { RunnerParts } from "./parts.ts";

/** Delayed jobs looked at in one round. */
const BATCH = 100;

/** Moves delayed jobs into the queue when they are due. */
export class Promoter {
  readonly #parts: RunnerParts;
  /** Called after a round: there may be others that are due later. */
  onDone: () => void = () => {};

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Everything that is due. */
  async tick(): Promise<void> {
    const { queue, log } = this.#parts;
    for (let promoted = BATCH; promoted === BATCH;) {
      promoted = 0;
      for (const id of await queue.due(BATCH)) {
        const reply = await queue.promote(id);
        log.debug("promoted", { job: id, state: reply.toLowerCase() });
        if (reply === "PROMOTED") promoted++;
      }
    }
    this.onDone();
  }
}
