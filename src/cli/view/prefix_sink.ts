import type { FollowSink } from "../../client/output_reader.ts";
import type { Terminal } from "../../ports/terminal.ts";
import type { EscapeFilter } from "./escapes.ts";

const NEWLINE = 0x0a;
/** Bytes of a line that are held until it ends; a longer one is broken there. */
const HELD = 64 << 10;

/** Writes whole lines of an output, each with a text in front, so that several outputs can share a terminal. */
export class PrefixSink implements FollowSink {
  readonly #terminal: Terminal;
  readonly #prefix: Uint8Array;
  readonly #filter: () => EscapeFilter | null;
  /** The line that has not ended yet. */
  #open: number[] = [];

  /**
   * @param prefix The text in front.
   * @param filter Creates a filter that removes escape sequences from a line; `null`: nothing is removed.
   */
  constructor(terminal: Terminal, prefix: string, filter: () => EscapeFilter | null) {
    this.#terminal = terminal;
    this.#prefix = new TextEncoder().encode(prefix);
    this.#filter = filter;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const lines: number[] = [];
    for (const byte of bytes) {
      if (byte !== NEWLINE) this.#open.push(byte);
      if (byte === NEWLINE || this.#open.length >= HELD) this.#addLine(lines);
    }
    if (lines.length > 0) await this.#terminal.write(Uint8Array.from(lines));
  }

  async gap(bytes: number): Promise<void> {
    await this.end();
    await this.#say(`${bytes} bytes of output are missing here`);
  }

  async attempt(attempt: number): Promise<void> {
    await this.end();
    await this.#say(`attempt ${attempt}`);
  }

  /** Writes the last line, which has no line end. */
  async end(): Promise<void> {
    if (this.#open.length === 0) return;
    const lines: number[] = [];
    this.#addLine(lines);
    await this.#terminal.write(Uint8Array.from(lines));
  }

  #addLine(lines: number[]): void {
    const filter = this.#filter();
    const line = Uint8Array.from(this.#open);
    for (const byte of this.#prefix) lines.push(byte);
    for (const byte of filter ? filter.push(line) : line) lines.push(byte);
    for (const byte of filter?.end() ?? []) lines.push(byte);
    lines.push(NEWLINE);
    this.#open = [];
  }

  async #say(text: string): Promise<void> {
    await this.#terminal.say(`runner: ${new TextDecoder().decode(this.#prefix)}${text}\n`);
  }
}
