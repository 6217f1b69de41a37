import type { OutputPart } from "../../../domain/output.ts";
import { type LaneLog, LogCursor } from "./lane_log.ts";
import { MarkReader } from "./marks.ts";

/** Reads the output of a run from the log of its terminal, part by part, as the log grows. */
export class RunReader {
  readonly marks: MarkReader;
  readonly #cursor: LogCursor;
  readonly #from: number;
  /** Offset in the output of what comes next. */
  #offset = 0;
  /** Offset in the output of what follows the first half of the log, as far as that is known. */
  #behindFirstHalf = 0;

  /** `position`: earliest position of the start mark in the log; `token`: the token in the marks. */
  constructor(log: LaneLog, { position, token }: { readonly position: number; readonly token: string }) {
    this.marks = new MarkReader(token);
    this.#cursor = new LogCursor(log, position);
    this.#from = position;
  }

  /** Position in the log up to which it was used; less, when bytes of it were gone. */
  get position(): number {
    return this.#from + this.marks.taken;
  }

  /** Returns what comes next, perhaps nothing of the output; `null` when the log has no more now. */
  async next(buffer: Uint8Array): Promise<OutputPart | null> {
    const wasInFirstHalf = this.#cursor.isInFirstHalf;
    const count = await this.#cursor.read(buffer);
    if (wasInFirstHalf && !this.#cursor.isInFirstHalf) this.#behindFirstHalf = this.#offset + this.marks.pending;
    if (count === 0) return null;
    if (typeof count === "number") return this.#part(this.marks.push(buffer.subarray(0, count)));
    const part = this.#part(this.marks.skip());
    if (this.marks.begun) this.#offset = this.#behindFirstHalf + count.bytes;
    return part;
  }

  /** Returns the bytes that are held back when no more will come: part of the output, as its end mark is missing. */
  rest(): OutputPart {
    return this.#part(this.marks.rest());
  }

  #part(bytes: Uint8Array): OutputPart {
    const offset = this.#offset;
    this.#offset += bytes.length;
    return { offset, bytes };
  }
}
