/** Sinks for the output of jobs: as bytes or as JSON, all of it or its last lines. */
import type { FollowSink, OutputPlace } from "../../client/output_reader.ts";
import type { Terminal } from "../../ports/terminal.ts";
import type { EscapeFilter } from "./escapes.ts";
import { toJson } from "./text.ts";

const NEWLINE = 0x0a;

/**
 * Writes output to standard output, through filters if there are any, and reports missing bytes on standard error.
 *
 * @param filter Creates a filter for output without a gap.
 */
export function outputSink(terminal: Terminal, filter: () => EscapeFilter | null) {
  let current = filter();
  // a sequence that a gap cuts off must not hide the output after the gap
  const end = async () => {
    const rest = current?.end();
    if (rest && rest.length > 0) await terminal.write(rest);
    current = filter();
  };
  return {
    write: (bytes: Uint8Array) => terminal.write(current ? current.push(bytes) : bytes),
    gap: async (bytes: number) => {
      await end();
      await terminal.say(`\nrunner: ${bytes} bytes of output are missing here\n`);
    },
    attempt: async (attempt: number) => {
      await end();
      await terminal.say(`\nrunner: attempt ${attempt}\n`);
    },
    /** Writes what follows the last byte, such as the end of a colour. */
    end,
  };
}

/**
 * Writes one JSON object per line of the output: attempt, byte offset of the line, and line; or the number of missing
 * bytes.
 */
export class JsonLinesSink implements FollowSink {
  readonly #terminal: Terminal;
  readonly #filter: () => EscapeFilter | null;
  /** The line that has not ended yet. */
  #open: number[] = [];
  #place: OutputPlace = { attempt: 0, offset: 0 };

  /** @param filter Creates a filter that removes escape sequences from a line. */
  constructor(terminal: Terminal, filter: () => EscapeFilter | null) {
    this.#terminal = terminal;
    this.#filter = filter;
  }

  async write(bytes: Uint8Array, place: OutputPlace): Promise<void> {
    let text = "";
    for (const [i, byte] of bytes.entries()) {
      if (this.#open.length === 0) this.#place = { ...place, offset: place.offset + i };
      this.#open.push(byte);
      if (byte === NEWLINE) text += this.#line();
    }
    if (text !== "") await this.#terminal.write(text);
  }

  async gap(bytes: number, { attempt, offset }: OutputPlace): Promise<void> {
    await this.end();
    await this.#terminal.write(`${toJson({ attempt, offset, missing: bytes })}\n`);
  }

  async attempt(): Promise<void> {
    await this.end();
  }

  /** Writes the last line, which has no line end. */
  async end(): Promise<void> {
    if (this.#open.length > 0) await this.#terminal.write(this.#line());
  }

  #line(): string {
    const bytes = Uint8Array.from(this.#open.at(-1) === NEWLINE ? this.#open.slice(0, -1) : this.#open);
    this.#open = [];
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const filter = this.#filter();
    const line = filter
      ? decoder.decode(filter.push(bytes), { stream: true }) + decoder.decode(filter.end())
      : decoder.decode(bytes);
    return `${toJson({ ...this.#place, line })}\n`;
  }
}

type Item =
  | { readonly kind: "write"; readonly bytes: Uint8Array; readonly place: OutputPlace }
  | { readonly kind: "gap"; readonly missing: number; readonly place: OutputPlace }
  | { readonly kind: "attempt"; readonly attempt: number };

/** Bytes of existing output that are held before all but its last lines are dropped. */
const HELD = 8 << 20;

/** Passes on the last lines of the output that exists at the start, and all output after it. */
export class LastLinesSink implements FollowSink {
  readonly #next: FollowSink;
  readonly #count: number;
  /** The existing output that may be among the last lines; `null` once all of it has arrived. */
  #held: Item[] | null = [];
  #bytes = 0;
  #limit = HELD;

  constructor(next: FollowSink, count: number) {
    this.#next = next;
    this.#count = count;
  }

  async write(bytes: Uint8Array, place: OutputPlace): Promise<void> {
    await this.#write({ kind: "write", bytes, place });
  }

  async gap(missing: number, place: OutputPlace): Promise<void> {
    await this.#write({ kind: "gap", missing, place });
  }

  async attempt(attempt: number): Promise<void> {
    await this.#write({ kind: "attempt", attempt });
  }

  async caughtUp(): Promise<void> {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    for (const item of lastLines(held, this.#count)) await this.#pass(item);
  }

  async #write(item: Item): Promise<void> {
    if (this.#held === null) return await this.#pass(item);
    this.#held.push(item);
    if (item.kind === "write") this.#bytes += item.bytes.length;
    if (this.#bytes > this.#limit) this.#thin();
  }

  /** Drops what is no longer among the last lines. */
  #thin(): void {
    this.#held = lastLines(this.#held!, this.#count);
    this.#bytes = this.#held.reduce((sum, item) => sum + (item.kind === "write" ? item.bytes.length : 0), 0);
    this.#limit = Math.max(HELD, 2 * this.#bytes);
  }

  async #pass(item: Item): Promise<void> {
    if (item.kind === "write") await this.#next.write(item.bytes, item.place);
    else if (item.kind === "gap") await this.#next.gap(item.missing, item.place);
    else await this.#next.attempt(item.attempt);
  }
}

/** Returns the items from the start of the last `count` lines on. */
function lastLines(items: readonly Item[], count: number): Item[] {
  if (count === 0) return [];
  let lines = 0;
  let last = true;
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i];
    if (item.kind !== "write") continue;
    for (let at = item.bytes.length - 1; at >= 0; at--) {
      // a final line end starts no further line
      if (item.bytes[at] === NEWLINE && !last && ++lines === count) {
        const place = { ...item.place, offset: item.place.offset + at + 1 };
        return [{ kind: "write", bytes: item.bytes.subarray(at + 1), place }, ...items.slice(i + 1)];
      }
      last = false;
    }
  }
  return [...items];
}
