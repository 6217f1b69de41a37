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

  /** Everything that is due, which can be a hundred thousand jobs; ends early when the signal aborts. */
  async tick(signal?: AbortSignal): Promise<void> {
    const { queue, log } = this.#parts;
    for (let promoted = BATCH; promoted === BATCH;) {
      promoted = 0;
      for (const id of await queue.due(BATCH)) {
        if (signal?.aborted) return;
        const reply = await queue.promote(id);
        log.debug("promoted", { job: id, state: reply.toLowerCase() });
        if (reply === "PROMOTED") promoted++;
      }
    }
    this.onDone();
  }
}
