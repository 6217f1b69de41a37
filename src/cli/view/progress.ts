import { formatDuration } from "../../domain/duration.ts";
import { loadProgressBar, type ProgressBar } from "./std_cli.ts";
import type { Context } from "../context.ts";

/** Milliseconds until the bar is shown, and between two updates; short work shows nothing. */
const EVERY = 200;
/** Width of the bar itself, columns. */
const BAR = 20;
/** Width of the narrowest terminal that has room for the bar, columns. */
const WIDE = 80;

/** Shows the progress of long work as a bar on the terminal; in a pipe there is none. */
export class Progress {
  readonly #context: Pick<Context, "terminal" | "compose">;
  readonly #what: string;
  readonly #sinceMs: number;
  readonly #over = new AbortController();
  readonly #visible: boolean;
  readonly #due: Promise<void>;
  /** Loaded when the bar is due. */
  #makeBar: typeof ProgressBar | null = null;
  #bar: ProgressBar | null = null;
  #done = 0;
  #total: number;

  /**
   * @param what The text after the numbers, such as `jobs queued`.
   * @param total 0 while it is unknown.
   */
  constructor(context: Pick<Context, "terminal" | "compose">, what: string, total = 0) {
    this.#context = context;
    this.#what = what;
    this.#total = total;
    const { terminal, compose } = context;
    this.#visible = terminal.isTerminal.errors && compose.environment.get("TERM") !== "dumb";
    this.#sinceMs = compose.clock.now();
    this.#due = this.#visible
      ? compose.clock.sleep(EVERY, this.#over.signal).then(() => this.#begin())
      : Promise.resolve();
  }

  async #begin(): Promise<void> {
    if (this.#over.signal.aborted) return;
    const makeBar = await loadProgressBar();
    if (!this.#over.signal.aborted) this.#makeBar = makeBar;
    this.#show();
  }

  /** Sets how much is done. */
  update(done: number, total: number): void {
    this.#done = done;
    this.#total = total;
    this.#show();
  }

  #show(): void {
    if (this.#makeBar === null || this.#total === 0) return;
    if (this.#bar) {
      this.#bar.value = this.#done;
      this.#bar.max = this.#total;
      return;
    }
    const { terminal } = this.#context;
    this.#bar = new this.#makeBar({
      writable: new WritableStream({ write: (bytes) => terminal.say(bytes) }),
      value: this.#done,
      max: this.#total,
      barLength: BAR,
      interval: EVERY,
      clear: true,
      formatter: ({ progressBar }) => this.#line(progressBar),
    });
  }

  #line(bar: string): string {
    const { terminal, compose } = this.#context;
    const room = terminal.columns() ?? WIDE;
    const rate = this.#done / Math.max(1, compose.clock.now() - this.#sinceMs) * 1000;
    const speed = this.#done === 0 ? "" : `, ${rate.toFixed(rate < 10 ? 1 : 0)} a second`;
    const left = this.#done > 0 && this.#total > this.#done
      ? `, ${formatDuration((this.#total - this.#done) / rate)} left`
      : "";
    const text = `${this.#done} of ${this.#total} ${this.#what}${speed}${left}`;
    // a wrapped line could not be erased
    return (room < WIDE ? text : `[${bar}] ${text}`).slice(0, room - 1);
  }

  /** Removes the bar, so that other text can be written; the next update shows it again. */
  async hide(): Promise<void> {
    await this.#bar?.stop();
    this.#bar = null;
  }

  /** Removes the bar for good. */
  async end(): Promise<void> {
    this.#over.abort();
    this.#makeBar = null;
    await this.#due;
    await this.hide();
  }
}
