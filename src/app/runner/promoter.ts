import type { RunnerParts } from "./parts.ts";

/** Delayed jobs looked at in one round. */
const BATCH = 100;

/** Moves delayed jobs into the queue when they are due. */
export class Promoter {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** One look at the delayed jobs. */
  async tick(): Promise<void> {
    const { queue, log } = this.#parts;
    for (const id of await queue.due(BATCH)) {
      const reply = await queue.promote(id);
      log.debug("promoted", { job: id, state: reply.toLowerCase() });
    }
  }
}
