import { isTerminal } from "../domain/lifecycle.ts";
import { RESULT_PART } from "../domain/limits.ts";
import { fitsResult, missingLine } from "../domain/output.ts";
import type { JobStore, OutputPiece, StoredJob } from "../ports/job_store.ts";
import { type WaitOptions, watchJob } from "./wait.ts";

/** Pause between two looks for output, milliseconds: what a person takes for "live". */
const LIVE = 250;

/** Where the output of a followed job goes. */
export interface FollowSink {
  /** Output, as the program wrote it. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes that cannot be had any more are missing here. */
  gap(bytes: number): Promise<void>;
  /** From here on, the output is that of another attempt. */
  attempt(attempt: number): Promise<void>;
}

/** Where a reader stands: each byte of an attempt is shown once, by its offset. */
class Reader {
  readonly #store: JobStore;
  readonly #id: string;
  readonly #sink: FollowSink;
  #cursor = "";
  #attempt = 0;
  #offset = 0;

  constructor(store: JobStore, id: string, sink: FollowSink) {
    this.#store = store;
    this.#id = id;
    this.#sink = sink;
  }

  /** Shows every piece that is there. */
  async drain(): Promise<void> {
    for (;;) {
      const pieces = await this.#store.output(this.#id, this.#cursor);
      if (pieces.length === 0) return;
      for (const piece of pieces) await this.#show(piece);
    }
  }

  async #show(piece: OutputPiece): Promise<void> {
    this.#cursor = piece.cursor;
    if (piece.attempt < this.#attempt) return;
    await this.#enter(piece.attempt);
    await this.#skipTo(piece.offset);
    const bytes = piece.bytes.subarray(this.#offset - piece.offset);
    if (bytes.length === 0) return;
    this.#offset += bytes.length;
    await this.#sink.write(bytes);
  }

  async #enter(attempt: number): Promise<void> {
    if (attempt === this.#attempt) return;
    if (this.#attempt > 0) await this.#sink.attempt(attempt);
    this.#attempt = attempt;
    this.#offset = 0;
  }

  async #skipTo(offset: number): Promise<void> {
    if (offset <= this.#offset) return;
    await this.#sink.gap(offset - this.#offset);
    this.#offset = offset;
  }

  /** Shows what the pieces did not hold, from the result of the ended job. */
  async finish(job: StoredJob): Promise<void> {
    const result = new TextEncoder().encode(job.fields.result ?? "");
    const attempt = Number(job.side.attempt ?? 0);
    if (job.side.output_bytes === undefined) {
      // only a foreign runner has seen it: the result is all there is
      if (this.#offset === 0 && result.length > 0) await this.#sink.write(result);
      return;
    }
    await this.#enter(Math.max(attempt, this.#attempt));
    const total = Number(job.side.output_bytes);
    if (!(total > this.#offset)) return;
    const rest = restOf(result, total, this.#offset);
    await this.#skipTo(total - rest.length);
    if (rest.length > 0) await this.#sink.write(rest);
  }
}

/**
 * The last bytes of an output, as far as its result holds them byte by byte. Where a byte was no text, the result has
 * another length than the output, and offsets into it mean nothing.
 */
function restOf(result: Uint8Array, total: number, from: number): Uint8Array {
  if (fitsResult(total)) {
    if (result.length === total) return result.subarray(from);
    return from === 0 ? result : new Uint8Array();
  }
  const missing = total - 2 * RESULT_PART;
  const marker = new TextEncoder().encode(missingLine(missing, total));
  const tail = Math.min(total - from, RESULT_PART);
  return result.length === 2 * RESULT_PART + marker.length ? result.subarray(result.length - tail) : new Uint8Array();
}

/**
 * Follows the output of a job, live, to its end: each byte once, in order. It is over when the job has ended and its last byte
 * was shown.
 *
 * @returns The job as it ended; `null` when the signal came first.
 * @throws {JobNotFoundError} There is no such job.
 */
export async function followJob(
  store: JobStore,
  id: string,
  options: WaitOptions & { readonly sink: FollowSink },
): Promise<StoredJob | null> {
  const reader = new Reader(store, id, options.sink);
  return await watchJob(store, id, {
    ...options,
    everyMs: options.everyMs ?? LIVE,
    look: async (job) => {
      // output is written before the end is: what is read after the end was seen is all there will be
      await reader.drain();
      if (isTerminal(job.fields.status ?? "")) await reader.finish(job);
    },
  });
}
