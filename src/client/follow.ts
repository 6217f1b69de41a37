import { isFinal } from "../domain/lifecycle.ts";
import type { AttemptOutput, HostOutput } from "../ports/host_output.ts";
import type { JobStore, OutputPiece, StoredJob } from "../ports/job_store.ts";
import { type KeptOutput, keptOutputOf } from "./kept_output.ts";
import { type WaitOptions, watchJob } from "./wait.ts";

/** Milliseconds between two polls for output: short enough to appear live to a person. */
const LIVE = 250;

/** Most bytes that one read returns of an output on this host. */
const HOST_PIECE = 256 << 10;
/** Bytes at the end of an ended job's output that are read for its last lines. */
const LAST = 4 << 20;

/** Position of bytes in the output of a job. */
export interface OutputPlace {
  readonly attempt: number;
  /** Bytes from the start of the attempt's output. */
  readonly offset: number;
}

/** Receiver of the output of a followed job. */
export interface FollowSink {
  /** Receives output, as the program wrote it. */
  write(bytes: Uint8Array, place: OutputPlace): Promise<void>;
  /** Reports that this number of bytes is missing here and no longer available. */
  gap(bytes: number, place: OutputPlace): Promise<void>;
  /** Reports that the output of another attempt starts here. */
  attempt(attempt: number): Promise<void>;
  /** Reports that all output available now was written; may be called often. */
  caughtUp?(): Promise<void>;
}

/** First attempt whose output is shown, of a job with several: its first or its newest one. */
export type FirstShown = "first" | "newest";

/** Which output is shown, and its source. */
export interface ShowOptions {
  readonly sink: FollowSink;
  readonly from?: FirstShown;
  /** Source of complete outputs of jobs whose runner is on this host; without it only Redis is read. */
  readonly host?: HostOutput;
  /** Only last lines are needed: of a long output that has ended, only the end is read. */
  readonly lastOnly?: boolean;
}

/**
 * Writes the output of a job to a sink, and keeps the position: each byte of an attempt is shown once, by its offset.
 */
class Reader {
  readonly #store: JobStore;
  readonly #id: string;
  readonly #sink: FollowSink;
  readonly #options: ShowOptions;
  readonly #signal: AbortSignal | undefined;
  /** Output of the newest attempt on this host, and its token; `null` when this host does not have it. */
  #here: { readonly token: string; readonly output: AttemptOutput } | null = null;
  #cursor = "";
  #attempt = 0;
  #offset = 0;
  /** Output of the newest attempt in the job's result, once the job has ended. */
  #kept: KeptOutput | null = null;

  constructor(store: JobStore, id: string, options: ShowOptions & { readonly signal?: AbortSignal }) {
    this.#store = store;
    this.#id = id;
    this.#sink = options.sink;
    this.#options = options;
    this.#signal = options.signal;
  }

  /** Shows all output that is available now; when the job has ended, that is the rest of its output. */
  async poll(job: StoredJob): Promise<void> {
    const attempt = Number(job.meta.attempt ?? 0);
    const isFirst = this.#cursor === "" && this.#offset === 0;
    if (this.#options.from === "newest" && isFirst) this.#attempt = attempt;
    const ended = isFinal(job.fields.status ?? "");
    if (ended) this.#kept = keptOutputOf(job);
    const total = this.#kept?.total ?? 0;
    if (ended && isFirst && this.#options.lastOnly && total > LAST) await this.#skipTo(total - LAST);
    const isHere = await this.#drainHere(job, attempt);
    // output is written before the end: what is read after the end was seen is complete
    if (!isHere || ended) await this.#drain();
    if (ended) await this.#finish(job, Math.max(attempt, this.#attempt));
    await this.#sink.caughtUp?.();
  }

  /** Closes files. */
  close(): void {
    this.#here?.output.close();
    this.#here = null;
  }

  /**
   * Shows the output of the newest attempt on this host.
   *
   * @returns Whether this host is the source to use: Redis may be ahead of what was read here, and would show a gap.
   */
  async #drainHere(job: StoredJob, attempt: number): Promise<boolean> {
    const { host } = this.#options;
    const { token } = job.meta;
    if (!host || !token || token === "0") return false;
    if (this.#here?.token !== token) {
      await this.#showHere(); // the rest of the previous attempt
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

  /** Shows the pieces available in Redis, up to the first one of the attempt `before` or a later one. */
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

  /** Shows the start of the output up to an offset, when the result holds its exact bytes. */
  async #showHead(upTo: number): Promise<void> {
    const { head } = this.#kept!;
    if (head.exact) await this.#write(head.bytes.subarray(this.#offset, Math.max(this.#offset, upTo)));
  }

  /** Shows the rest of the output, which was in no piece, from the result of the ended job. */
  async #finish(job: StoredJob, attempt: number): Promise<void> {
    const kept = this.#kept;
    if (!kept) {
      // a foreign runner ran it: the result is the only output
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

  /** Shows bytes that replace others, some of which were no text; `end` is the offset behind the original bytes. */
  async #writeInexact(bytes: Uint8Array, end: number): Promise<void> {
    await this.#write(bytes);
    this.#offset = end;
  }
}

/**
 * Follows the output of a job, live, in order and without repeating a byte. Bytes that are not available are reported
 * as a gap: Redis keeps only part of the output of a runner on another host. Resolves when the job has ended and all of
 * its output was shown.
 *
 * @returns The ended job; `null` when the signal aborted first.
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

/** Shows the output of a job that is available now. */
export async function showOutput(store: JobStore, job: StoredJob, options: ShowOptions): Promise<void> {
  const reader = new Reader(store, job.id, options);
  try {
    await reader.poll(job);
  } finally {
    reader.close();
  }
}
