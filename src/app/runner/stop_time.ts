import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

/** The time that an end may take altogether, shared by its parts; knows which of them were not done in it. */
export class StopTime {
  readonly #clock: Clock;
  readonly #log: Log;
  /** Monotonic time at which all is over. */
  readonly #until: number;
  readonly #left: string[] = [];

  constructor(ms: number, { clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#until = clock.now() + ms;
  }

  /** Waits for a part of the end, but neither longer than `ms` nor than what is left of the whole. */
  async give(what: string, ms: number, work: Promise<unknown>): Promise<void> {
    const limit = new AbortController();
    let done = false;
    const tried = work.then(() => {}, (error) => {
      if (!limit.signal.aborted) this.#log.warn(`could not ${what}`, { error: String(error) });
    }).then(() => done = true);
    const time = Math.max(0, Math.min(ms, this.#until - this.#clock.now()));
    await Promise.race([tried, this.#clock.sleep(time, limit.signal)]);
    limit.abort();
    if (!done) this.#left.push(what);
  }

  /** Says what was not done. */
  close(): void {
    if (this.#left.length === 0) return;
    this.#log.warn("left to the next process what was not done in time", { error: `did not ${this.#left.join(", ")}` });
  }
}
