import type { Clock } from "../ports/clock.ts";

/** First and longest pause between two claims from a queue whose limit is reached, milliseconds. */
const PAUSES = [50, 2000] as const;

/**
 * The wait of a runner whose queue has a limit that is reached. It claims no id then, so that the ids stay in the queue
 * where other programs read them, and asks again later: at once when an attempt has ended here.
 */
export class FullWait {
  readonly #clock: Clock;
  #isFull = false;
  #pause: number = PAUSES[0];
  #waiting = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the last claim found the limit reached. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Records whether a claim found the limit reached. */
  note(isFull: boolean): void {
    if (!isFull) this.#pause = PAUSES[0];
    this.#isFull = isFull;
  }

  /** Waits until the next claim is due, at most `ms`. */
  async wait(ms: number): Promise<void> {
    this.#waiting = new AbortController();
    await this.#clock.sleep(Math.min(ms, this.#pause), this.#waiting.signal);
    this.#pause = Math.min(2 * this.#pause, PAUSES[1]);
  }

  /** Ends a wait: an attempt has ended, or the runner stops. */
  wake(): void {
    this.#pause = PAUSES[0];
    this.#waiting.abort();
  }
}
