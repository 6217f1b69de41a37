import type { Clock } from "../ports/clock.ts";

/** The first and the longest pause, milliseconds. */
const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/**
 * Pauses before new connections: doubled with every failure in a row, half of each by chance, so that clients do not
 * come in step.
 */
export class Backoff {
  readonly #clock: Clock;
  #failures = 0;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next pause is longer. */
  failed(): void {
    const pause = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures++);
    this.#until = this.#clock.now() + pause * (0.5 + this.#clock.random() / 2);
  }

  /** The next pause is the first one again. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Waits for what is left of the pause; ends early when `signal` aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const left = this.#until - this.#clock.now();
    if (left > 0) await this.#clock.sleep(left, signal);
  }
}
