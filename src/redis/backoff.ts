import type { Clock } from "../ports/clock.ts";

/** The first pause, milliseconds. */
const FIRST_MS = 50;
/** The longest pause, milliseconds. */
const LONGEST_MS = 1_000;

/**
 * Pauses before new connections, doubled with every failure in a row. Half of each pause is random, so that clients do
 * not connect in lockstep.
 */
export class Backoff {
  readonly #clock: Clock;
  #failures = 0;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes the next pause longer. */
  failed(): void {
    const pause = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures++);
    this.#until = this.#clock.now() + pause * (0.5 + this.#clock.random() / 2);
  }

  /** Makes the next pause the first one again. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Waits for the rest of the pause; ends early when `signal` aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const left = this.#until - this.#clock.now();
    if (left > 0) await this.#clock.sleep(left, signal);
  }
}
