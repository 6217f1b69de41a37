import { isFinal } from "../domain/lifecycle.ts";
import type { AttemptOutput, HostOutput } from "../ports/host_output.ts";
import type { JobStore, OutputPiece, StoredJob } from "../ports/job_store.ts";
import { type KeptOutput, keptOutputOf } from "./kept_output.ts";
import { type WaitOptions, watchJob } from "./wait.ts";

/** Pause between two looks for output, milliseconds: what a person takes for "live". */
const LIVE = 250;

/** Bytes that are read at once of an output on this host. */
const HOST_PIECE = 256 << 10;
/** Bytes before the end of an ended job's output at which its last lines are looked for. */
const LAST = 4 << 20;

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

/** What is shown, and where it comes from. */
export interface ShowOptions {
  readonly sink: FollowSink;
  readonly from?: FirstShown;
  /** Where the whole output is, when the runner of the job is on this host; without it, what Redis has is shown. */
  readonly host?: HostOutput;
  /** Only last lines are wanted: of a long output that is there already, only its end is read. */
  readonly lastOnly?: boolean;
}

/** Where a reader stands: each byte of an attempt is shown once, by its offset. */
class Reader {
  readonly #store: JobStore;
  readonly #id: string;
  readonly #sink: FollowSink;
  readonly #options: ShowOptions;
  readonly #signal: AbortSignal | undefined;
  /** The newest attempt's output on this host, and its token; `null` when it is not here. */
  #here: { readonly token: string; readonly output: AttemptOutput } | null = null;
  #cursor = "";
  #attempt = 0;
  #offset = 0;
  /** What the result holds of the newest attempt, once the job has ended. */
  #kept: KeptOutput | null = null;

  constructor(store: JobStore, id: string, options: ShowOptions & { readonly signal?: AbortSignal }) {
    this.#store = store;
    this.#id = id;
    this.#sink = options.sink;
    this.#options = options;
    this.#signal = options.signal;
  }

  /** Shows all that there is, and all that there will be when the job has ended. */
  async poll(job: StoredJob): Promise<void> {
    const attempt = Number(job.meta.attempt ?? 0);
    const isFirst = this.#cursor === "" && this.#offset === 0;
    if (this.#options.from === "newest" && isFirst) this.#attempt = attempt;
    const ended = isFinal(job.fields.status ?? "");
    if (ended) this.#kept = keptOutputOf(job);
    const total = this.#kept?.total ?? 0;
    if (ended && isFirst && this.#options.lastOnly && total > LAST) await this.#skipTo(total - LAST);
    const isHere = await this.#drainHere(job, attempt);
    // output is written before the end is: what is read after the end was seen is all there will be
    if (!isHere || ended) await this.#drain();
    if (ended) await this.#finish(job, Math.max(attempt, this.#attempt));
    await this.#sink.caughtUp?.();
  }

  /** Lets go of files. */
  close(): void {
    this.#here?.output.close();
    this.#here = null;
  }

  /**
   * Shows what this host has of the newest attempt. Answers whether it is the place to look at: Redis may be ahead of
   * what was read here, and would show a gap.
   */
  async #drainHere(job: StoredJob, attempt: number): Promise<boolean> {
    const { host } = this.#options;
    const { token } = job.meta;
    if (!host || !token || token === "0") return false;
    if (this.#here?.token !== token) {
      await this.#showHere(); // how the attempt before it ended
      this.close();
      const output = await host.open(job);
      if (output === null) return false;
      this.#here = { token, output };
      await this.#drain(attempt);
    }
    if (attempt < this.#attempt) return false;
    await this.#enter(attempt);
    await this.#showHere();
    return true;
  }

  async #showHere(): Promise<void> {
    while (this.#here && !this.#signal?.aborted) {
      const bytes = await this.#here.output.read(this.#offset, HOST_PIECE);
      await this.#write(bytes);
      if (bytes.length < HOST_PIECE) return;
    }
  }

  /** Shows every piece that is there, up to the first one of a given attempt. */
  async #drain(before = Infinity): Promise<void> {
    for (;;) {
      const pieces = await this.#store.output(this.#id, this.#cursor);
      if (pieces.length === 0) return;
      for (const piece of pieces) {
        if (piece.attempt >= before) return;
        await this.#show(piece);
      }
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
 * Follows the output of a job, live, to its end, in order and no byte twice. What cannot be had is told as a gap: of a
 * runner on another host Redis has only so much. It is over when the job has ended and the end of its output was shown.
 *
 * @returns The job as it ended; `null` when the signal came first.
 * @throws {JobNotFoundError} There is no such job.
 */
export async function followJob(
  store: JobStore,
  id: string,
  options: WaitOptions & ShowOptions,
): Promise<StoredJob | null> {
  const reader = new Reader(store, id, options);
  try {
    return await watchJob(store, id, {
      ...options,
      everyMs: options.everyMs ?? LIVE,
      output: true,
      poll: (job) => reader.poll(job),
    });
  } finally {
    reader.close();
  }
}

/** Shows the output of a job as far as it is there now. */
export async function showOutput(store: JobStore, job: StoredJob, options: ShowOptions): Promise<void> {
  const reader = new Reader(store, job.id, options);
  try {
    await reader.poll(job);
  } finally {
    reader.close();
  }
}
