import type { ProgressBarInstance, ProgressBarOptions } from "./api.ts";

/** A bar on a stream, drawn anew at an interval until it is stopped; what this project uses of the real one. */
export class ProgressBar implements ProgressBarInstance {
  value: number;
  max: number;
  readonly #options: ProgressBarOptions;
  readonly #writer: WritableStreamDefaultWriter<string>;
  readonly #piped: Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: ProgressBarOptions) {
    this.value = options.value;
    this.max = options.max;
    this.#options = options;
    const encoder = new TextEncoderStream();
    this.#piped = encoder.readable.pipeTo(options.writable, { preventClose: true })
      .catch(() => clearInterval(this.#timer));
    this.#writer = encoder.writable.getWriter();
    this.#timer = setInterval(() => this.#draw(), options.interval);
    this.#draw();
  }

  #draw(): void {
    const { barLength, formatter } = this.#options;
    const full = Math.trunc(Math.min(Math.max(this.value / this.max, 0), 1) * barLength);
    const progressBar = "#".repeat(full) + "-".repeat(barLength - full);
    this.#writer.write(`\r\x1b[K${formatter({ progressBar })}`).catch(() => {});
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#writer.write("\r\x1b[K");
      await this.#writer.close();
      await this.#piped;
    } catch {
      // the stream has ended before
    }
  }
}
