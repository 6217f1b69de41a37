import { isTerminal } from "../domain/lifecycle.ts";
import type { JobStore, OutputPiece, StoredJob } from "../ports/job_store.ts";
import { type KeptOutput, keptOutputOf } from "./kept_output.ts";
import { type WaitOptions, watchJob } from "./wait.ts";

/** Pause between two looks for output, milliseconds: what a person takes for "live". */
const LIVE = 250;

/** Where bytes stand in the output of a job. */
export interface OutputPlace {
  readonly attempt: number;
  /** Bytes from the start of the attempt's output. */
  readonly offset: number;
}

/** Where the output of a followed job goes. */
export interface FollowSink {
  /** Output, as the program wrote it. */
  write(bytes: Uint8Array, place: OutputPlace): Promise<void>;
  /** Bytes that cannot be had any more are missing here. */
  gap(bytes: number, place: OutputPlace): Promise<void>;
  /** From here on, the output is that of another attempt. */
  attempt(attempt: number): Promise<void>;
  /** All that is there now was shown; may come often. */
  caughtUp?(): Promise<void>;
}

/** How much of the output of a job that was tried several times: from its first attempt on, or from its newest. */
export type FirstShown = "first" | "newest";

/** Where a reader stands: each byte of an attempt is shown once, by its offset. */
class Reader {
  readonly #store: JobStore;
  readonly #id: string;
  readonly #sink: FollowSink;
  readonly #from: FirstShown;
  #cursor = "";
  #attempt = 0;
  #offset = 0;
  /** What the result holds of the newest attempt, once the job has ended. */
  #kept: KeptOutput | null = null;

  constructor(store: JobStore, id: string, options: { sink: FollowSink; from?: FirstShown }) {
    this.#store = store;
    this.#id = id;
    this.#sink = options.sink;
    this.#from = options.from ?? "first";
  }

  /** Shows all that there is, and all that there will be when the job has ended. */
  async look(job: StoredJob): Promise<void> {
    const attempt = Number(job.side.attempt ?? 0);
    if (this.#from === "newest" && this.#cursor === "" && this.#offset === 0) this.#attempt = attempt;
    const ended = isTerminal(job.fields.status ?? "");
    if (ended) this.#kept = keptOutputOf(job);
    // output is written before the end is: what is read after the end was seen is all there will be
    await this.#drain();
    if (ended) await this.#finish(job, Math.max(attempt, this.#attempt));
    await this.#sink.caughtUp?.();
  }

  /** Shows every piece that is there. */
  async #drain(): Promise<void> {
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
    if (piece.attempt === this.#kept?.attempt) await this.#showHead(piece.offset);
    await this.#skipTo(piece.offset);
    await this.#write(piece.bytes.subarray(this.#offset - piece.offset));
  }

  async #enter(attempt: number): Promise<void> {
    if (attempt === this.#attempt) return;
    if (this.#attempt > 0) await this.#sink.attempt(attempt);
    this.#attempt = attempt;
    this.#offset = 0;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const place = { attempt: this.#attempt, offset: this.#offset };
    this.#offset += bytes.length;
    await this.#sink.write(bytes, place);
  }

  async #skipTo(offset: number): Promise<void> {
    if (offset <= this.#offset) return;
    const place = { attempt: this.#attempt, offset: this.#offset };
    this.#offset = offset;
    await this.#sink.gap(offset - place.offset, place);
  }

  /** Shows the start of the output, up to an offset, as far as the result holds it byte by byte. */
  async #showHead(upTo: number): Promise<void> {
    const { head } = this.#kept!;
    if (head.exact) await this.#write(head.bytes.subarray(this.#offset, Math.max(this.#offset, upTo)));
  }

  /** Shows what the pieces did not hold, from the result of the ended job. */
  async #finish(job: StoredJob, attempt: number): Promise<void> {
    const kept = this.#kept;
    if (!kept) {
      // only a foreign runner has seen it: the result is all there is
      if (this.#offset === 0) await this.#write(new TextEncoder().encode(job.fields.result ?? ""));
      return;
    }
    await this.#enter(attempt);
    const { total, head, tail, note } = kept;
    if (this.#offset < total) {
      if (head.exact) await this.#showHead(total);
      else if (this.#offset === 0) await this.#writeInexact(head.bytes, head.end);
      if (tail) {
        await this.#skipTo(tail.start);
        if (tail.exact) await this.#write(tail.bytes.subarray(this.#offset - tail.start));
        else if (this.#offset === tail.start) await this.#writeInexact(tail.bytes, total);
      }
      await this.#skipTo(total);
    }
    if (note.length > 0) await this.#sink.write(note, { attempt: this.#attempt, offset: total });
  }

  /** Shows bytes that stand for others, of which some were no text; `end` is the offset behind those. */
  async #writeInexact(bytes: Uint8Array, end: number): Promise<void> {
    await this.#write(bytes);
    this.#offset = end;
  }
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
  options: WaitOptions & { readonly sink: FollowSink; readonly from?: FirstShown },
): Promise<StoredJob | null> {
  const reader = new Reader(store, id, options);
  return await watchJob(store, id, {
    ...options,
    everyMs: options.everyMs ?? LIVE,
    look: (job) => reader.look(job),
  });
}

/** Shows the output of a job as far as it is there now. */
export async function showOutput(
  store: JobStore,
  job: StoredJob,
  options: { readonly sink: FollowSink; readonly from?: FirstShown },
): Promise<void> {
  await new Reader(store, job.id, options).look(job);
}
