import { Mutex } from "../../../domain/mutex.ts";
import type { OutputPart } from "../../../domain/output.ts";
import type { LaneLog } from "./lane_log.ts";
import { RunReader } from "./run_reader.ts";

/** Number of reads of the log after which other work has its turn. */
const AT_ONCE = 16;

/** Reads the output of a run, at any offset that does not decrease, from a log that grows. */
export class LiveReader {
  readonly #reader: RunReader;
  /** Output that was read and not yet requested. */
  #ahead: OutputPart = { offset: 0, bytes: new Uint8Array() };
  /** Output behind a gap that follows. */
  #behind: OutputPart | null = null;
  #least = 0;
  /** Two reads at once would read the same bytes of the log. */
  readonly #reads = new Mutex();

  /** `position`: earliest position of the start mark in the log; `token`: the token in the marks. */
  constructor(log: LaneLog, start: { readonly position: number; readonly token: string }) {
    this.#reader = new RunReader(log, start);
  }

  /** The least offset that can be requested; it may lie in a gap. */
  get offset(): number {
    return this.#least;
  }

  /** Whether a read is in progress, which may move it. */
  get isReading(): boolean {
    return this.#reads.size > 0;
  }

  /** Whether the start mark has been read. */
  get begun(): boolean {
    return this.#reader.marks.begun;
  }

  read(offset: number, limit: number): Promise<OutputPart> {
    return this.#reads.run(() => this.#read(offset, limit));
  }

  async #read(offset: number, limit: number): Promise<OutputPart> {
    const buffer = new Uint8Array(64 << 10);
    this.#drop(offset);
    for (let reads = 1; this.#end < offset + limit && this.#behind === null && !this.#reader.marks.complete; reads++) {
      // a read of a file need not give way to other work
      if (reads % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
      const part = await this.#reader.next(buffer);
      if (part === null) break;
      if (part.bytes.length === 0) continue;
      if (part.offset > this.#end) this.#behind = part;
      else this.#ahead = { offset: this.#ahead.offset, bytes: joined(this.#ahead.bytes, part.bytes) };
      this.#drop(offset);
    }
    const { offset: from, bytes } = this.#ahead;
    return from < offset ? { offset, bytes: new Uint8Array() } : { offset: from, bytes: bytes.slice(0, limit) };
  }

  get #end(): number {
    return this.#ahead.offset + this.#ahead.bytes.length;
  }

  /** Discards the bytes before an offset. */
  #drop(offset: number): void {
    const { offset: from, bytes } = this.#ahead;
    const count = Math.min(bytes.length, Math.max(0, offset - from));
    if (count > 0) this.#least = from + count;
    this.#ahead = { offset: from + count, bytes: bytes.subarray(count) };
    if (count < bytes.length || this.#behind === null) return;
    this.#ahead = this.#behind;
    this.#behind = null;
    this.#drop(offset);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
