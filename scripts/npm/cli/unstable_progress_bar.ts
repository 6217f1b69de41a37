import type { ProgressBarInstance, ProgressBarOptions } from "./api.ts";

/** A bar on a stream, drawn anew at an interval until it is stopped; what this project uses of the real one. */
export class ProgressBar implements ProgressBarInstance {
  value: number;
  max: number;
  readonly #options: ProgressBarOptions;
  readonly #writer: WritableStreamDefaultWriter<string>;
  readonly #piped: Promise<void>;
  readonly #begun = Date.now();
  readonly #timer: ReturnType<typeof setInterval>;
  #before = { time: 0, value: 0 };

  constructor(options: ProgressBarOptions) {
    const { writable = Deno.stderr.writable, value = 0, max, interval = 1000, keepOpen = true } = options;
    this.value = value;
    this.max = max;
    this.#before.value = value;
    this.#options = options;
    const encoder = new TextEncoderStream();
    this.#piped = encoder.readable.pipeTo(writable, { preventClose: keepOpen }).catch(() => clearInterval(this.#timer));
    this.#writer = encoder.writable.getWriter();
    this.#timer = setInterval(() => this.#draw(), interval);
    this.#draw();
  }

  async #draw(): Promise<void> {
    const { barLength = 50, fillChar = "#", emptyChar = "-", formatter } = this.#options;
    const time = Date.now() - this.#begun;
    const full = Math.trunc(Math.min(Math.max(this.value / this.max, 0), 1) * barLength);
    const two = (number: number) => String(Math.trunc(number)).padStart(2, "0");
    const facts = {
      styledTime: `${two(time / 60_000)}:${two(time / 1000 % 60)}`,
      styledData: `${this.value}/${this.max}`,
      progressBar: fillChar.repeat(full) + emptyChar.repeat(barLength - full),
      time,
      previousTime: this.#before.time,
      value: this.value,
      previousValue: this.#before.value,
      max: this.max,
    };
    const text = formatter?.(facts) ?? `[${facts.styledTime}] [${facts.progressBar}] [${facts.styledData}]`;
    this.#before = { time, value: this.value };
    await this.#writer.write(`\r\x1b[K${text}`).catch(() => {});
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    try {
      if (this.#options.clear) await this.#writer.write("\r\x1b[K");
      else {
        await this.#draw();
        await this.#writer.write("\n");
      }
      await this.#writer.close();
      await this.#piped;
    } catch {
      // the stream has ended before
    }
  }
}
