import { inTime } from "../domain/in_time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** Time limit of a whole shutdown, shared by its steps. Records which steps did not finish within it. */
export class StopTime {
  readonly #clock: Clock;
  readonly #log: Log;
  /** Monotonic time at which the limit ends. */
  readonly #until: number;
  readonly #left: string[] = [];

  constructor(ms: number, { clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#until = clock.now() + ms;
  }

  /** Waits for one step, for `ms` at most and never beyond the limit of the whole shutdown. */
  async give(what: string, ms: number, work: Promise<unknown>): Promise<void> {
    let isLate = false;
    const tried = work.catch((error) => {
      if (!isLate) this.#log.warn(`could not ${what}`, { error: String(error) });
    });
    const time = Math.max(0, Math.min(ms, this.#until - this.#clock.now()));
    isLate = !await inTime(tried, { clock: this.#clock, ms: time });
    if (isLate) this.#left.push(what);
  }

  /** Logs the steps that did not finish. */
  close(): void {
    if (this.#left.length === 0) return;
    this.#log.warn("left to the next process what was not done in time", { error: `did not ${this.#left.join(", ")}` });
  }
}
