import type { OpenFile } from "../../../ports/files.ts";
import { MarkReader } from "./marks.ts";

/** Reads the output of a run from a log that grows. */
export class LiveReader {
  readonly #log: Pick<OpenFile, "read">;
  readonly #marks: MarkReader;
  #position: number;
  /** Output that was read and not yet requested. */
  #ahead: Uint8Array = new Uint8Array();
  /** Offset in the output of the first byte of `#ahead`. */
  offset = 0;

  /** `position`: earliest position of the start mark in the log; `token`: the token in the marks. */
  constructor(log: Pick<OpenFile, "read">, { position, token }: { readonly position: number; readonly token: string }) {
    this.#log = log;
    this.#marks = new MarkReader(token);
    this.#position = position;
  }

  /** Whether the start mark has been read. */
  get begun(): boolean {
    return this.#marks.begun;
  }

  async read(offset: number, limit: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(64 << 10);
    while (this.offset + this.#ahead.length < offset + limit && !this.#marks.complete) {
      const count = await this.#log.read(buffer, this.#position);
      if (count === 0) break;
      this.#position += count;
      this.#drop(offset);
      const more = this.#marks.push(buffer.subarray(0, count));
      const ahead = new Uint8Array(this.#ahead.length + more.length);
      ahead.set(this.#ahead);
      ahead.set(more, this.#ahead.length);
      this.#ahead = ahead;
    }
    this.#drop(offset);
    return this.offset === offset ? this.#ahead.slice(0, limit) : new Uint8Array();
  }

  /** Discards the bytes before an offset. */
  #drop(offset: number): void {
    const count = Math.min(this.#ahead.length, Math.max(0, offset - this.offset));
    this.#ahead = this.#ahead.subarray(count);
    this.offset += count;
  }
}
