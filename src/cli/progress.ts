import { formatDuration } from "../domain/duration.ts";
import type { Context } from "./context.ts";

/** Milliseconds between two changes of the line, and before the first: quick work shows nothing. */
const EVERY = 200;

/** A line on the terminal that says how far long work has come; in a pipe there is none. */
export class Progress {
  readonly #context: Pick<Context, "terminal" | "wire">;
  readonly #what: string;
  readonly #visible: boolean;
  readonly #sinceMs: number;
  #shownMs: number;
  #drawn = false;

  /** @param what Follows the numbers, such as `jobs queued`. */
  constructor(context: Pick<Context, "terminal" | "wire">, what: string) {
    this.#context = context;
    this.#what = what;
    const { terminal, wire } = context;
    this.#visible = terminal.isTerminal.errors && wire.environment.get("TERM") !== "dumb";
    this.#sinceMs = this.#shownMs = wire.clock.now();
  }

  /** Some are done. */
  async update(done: number, total: number): Promise<void> {
    const now = this.#context.wire.clock.now();
    if (!this.#visible || now - this.#shownMs < EVERY) return;
    this.#shownMs = now;
    this.#drawn = true;
    const rate = done / (now - this.#sinceMs) * 1000;
    const left = rate > 0 && total > done ? `, ${formatDuration((total - done) / rate)} left` : "";
    await this.#context.terminal.say(
      `\r\x1b[K${done} of ${total} ${this.#what}, ${rate.toFixed(rate < 10 ? 1 : 0)} a second${left}`,
    );
  }

  /** Takes the line away. */
  async end(): Promise<void> {
    if (this.#drawn) await this.#context.terminal.say("\r\x1b[K");
    this.#drawn = false;
  }
}
