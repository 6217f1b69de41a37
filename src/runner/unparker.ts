import type { LimitUser } from "../ports/limits.ts";
import type { Alarm } from "./alarms.ts";
import type { RunnerParts } from "./parts.ts";

/** What it works with. */
type UnparkerParts = Pick<RunnerParts, "checkpoint"> & { readonly queue: LimitUser };

/**
 * Queues parked jobs again for which there are permits. The event that returns a permit does so at once; this repeats
 * it for those that could not start then, and when the time is over for which nothing with a limit starts.
 */
export class Unparker {
  readonly #parts: UnparkerParts;
  readonly #alarm: Alarm;

  constructor(parts: UnparkerParts, alarm: Alarm) {
    this.#parts = parts;
    this.#alarm = alarm;
  }

  /** Runs one round. */
  async tick(): Promise<void> {
    const { queue, checkpoint } = this.#parts;
    const heldMs = await queue.limits.unpark();
    checkpoint("after_unpark");
    if (heldMs > 0) this.#alarm.soon(heldMs);
  }
}
