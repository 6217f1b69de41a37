import type { DelayedQueue } from "../ports/queue.ts";
import type { Alarm } from "./alarms.ts";
import type { RunnerParts } from "./parts.ts";

/** Delayed jobs read from Redis at a time. */
const BATCH = 100;

/** What it works with. */
type PromoterParts = Pick<RunnerParts, "log"> & { readonly queue: DelayedQueue };

/** Moves delayed jobs into the queue when they are due. */
export class Promoter {
  readonly #parts: PromoterParts;
  readonly #heartbeat: Alarm;

  constructor(parts: PromoterParts, heartbeat: Alarm) {
    this.#parts = parts;
    this.#heartbeat = heartbeat;
  }

  /** Checks every job that is due, which can be a hundred thousand. Ends early when the signal aborts. */
  async tick(signal?: AbortSignal): Promise<void> {
    const { queue, log } = this.#parts;
    for (let checked = BATCH; checked === BATCH;) {
      checked = 0;
      for (const id of await queue.due(BATCH)) {
        if (signal?.aborted) return;
        const reply = await queue.promote(id);
        log.debug("promoted", { job: id, state: reply.toLowerCase() });
        if (reply !== "EARLY") checked++;
      }
    }
    this.#heartbeat.soon(); // its reply says when the next job is due
  }
}
