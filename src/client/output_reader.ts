import { isFinal } from "../domain/lifecycle.ts";
import { metaNumber } from "../domain/job_meta.ts";
import type { AttemptOutput, HostOutput } from "../ports/host_output.ts";
import type { JobStore, OutputPiece, StoredJob } from "../ports/job_store.ts";
import { attemptOf } from "./attempt_of.ts";
import { type KeptOutput, keptOutputOf } from "./kept_output.ts";
import { type OutputStart, startOf } from "./output_start.ts";
import type { RemoteOutput } from "./remote_output.ts";

/** Most bytes that one read returns of an output on this host. */
const HOST_PIECE = 256 << 10;

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
  /** Reports that this number of bytes is missing here and not available. */
  gap(bytes: number, place: OutputPlace): Promise<void>;
  /** Reports that the output of another attempt starts here. */
  attempt(attempt: number): Promise<void>;
  /** Reports that all output available now was written; may be called often. */
  caughtUp?(): Promise<void>;
}

/** Which output is shown, and its sources. */
export interface ShowOptions {
  readonly sink: FollowSink;
  /** First attempt that is shown: the first one, the newest one, or that of a number, and then no other one. */
  readonly from?: "first" | "newest" | number;
  /** Where in the attempt to begin; default: at its start. */
  readonly start?: OutputStart;
  /** Offset behind the last byte that is shown; default: all. */
  readonly end?: number;
  /** Source of complete outputs of jobs whose runner is on this host. */
  readonly host?: HostOutput;
  /** Source of what Redis does not have, on any host. */
  readonly remote?: Pick<RemoteOutput, "read">;
}

/**
 * Writes the output of a job to a sink, and keeps the position: each byte of an attempt is shown once, by its offset.
 */
export class OutputReader {
  readonly #store: JobStore;
  readonly #id: string;
  readonly #sink: FollowSink;
  readonly #options: ShowOptions;
  readonly #signal: AbortSignal | undefined;
  /** Output of the shown attempt on this host, and its token; `null` when this host does not have it. */
  #here: { readonly token: string; readonly output: AttemptOutput } | null = null;
  #job: StoredJob | null = null;
  #cursor = "";
  #attempt = 0;
  #offset = 0;
  #hasShown = false;
  /** Output of the shown attempt as the job's result has it, once it has ended. */
  #kept: KeptOutput | null = null;

  constructor(store: JobStore, id: string, options: ShowOptions & { readonly signal?: AbortSignal }) {
    this.#store = store;
    this.#id = id;
    this.#sink = options.sink;
    this.#options = options;
    this.#signal = options.signal;
  }

  /**
   * Shows all output that is available now; when the job has ended, that is the rest of its output. `isOnly`: there is
   * no next time, at which Redis has what it has not yet.
   */
  async poll(stored: StoredJob, isOnly = false): Promise<void> {
    const { from } = this.#options;
    const job = this.#chosen(stored);
    const isFirst = this.#job === null;
    this.#job = job;
    const attempt = metaNumber(job.meta.attempt, 0);
    const ended = job !== stored || isFinal(job.fields.status ?? "");
    if (ended && job === stored) this.#kept = keptOutputOf(job);
    if (isFirst && (from !== undefined && from !== "first")) await this.#begin(job, attempt);
    const isHere = await this.#drainHere(job, attempt);
    // output is written before the end: what is read after the end was seen is complete
    if (!isHere || ended) await this.#drain();
    if (ended) await this.#finish(job, Math.max(attempt, this.#attempt));
    else if (!isHere && attempt > 0 && (isOnly || isFirst && this.#options.start)) await this.#showRest(attempt);
    await this.#sink.caughtUp?.();
  }

  /** Shows what a running attempt has written since Redis got its output last. */
  async #showRest(attempt: number): Promise<void> {
    await this.#enter(attempt);
    await this.#fill(Infinity);
  }

  /** Returns the job as of the attempt that is to be shown; an earlier one has ended, and its end is known here. */
  #chosen(job: StoredJob): StoredJob {
    const { from } = this.#options;
    if (typeof from !== "number" || from === metaNumber(job.meta.attempt, 0)) return job;
    const former = attemptOf(job, from);
    const nothing = { bytes: new Uint8Array(), exact: true, end: 0 };
    this.#kept = former && former.total !== null
      ? { attempt: from, total: former.total, head: nothing, tail: null, note: new Uint8Array() }
      : null;
    return former?.job ?? { ...job, meta: { ...job.meta, attempt: String(from), token: "0" } };
  }

  /** Goes to where the output is to begin. */
  async #begin(job: StoredJob, attempt: number): Promise<void> {
    this.#attempt = attempt;
    const { start, host, remote } = this.#options;
    if (start) this.#offset = await startOf(start, { store: this.#store, job, kept: this.#kept, host, remote });
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
    for (let short = 0; this.#here && !this.#isOver && short < 2;) {
      const { offset, bytes } = await this.#here.output.read(this.#offset, HOST_PIECE);
      if (bytes.length === 0) return;
      // a short piece may end at a gap; two of them mean that the rest is being written now
      short = bytes.length < HOST_PIECE && offset === this.#offset ? short + 1 : 0;
      await this.#leaveOut(offset);
      await this.#write(bytes);
    }
  }

  /** Whether nothing more is to be shown. */
  get #isOver(): boolean {
    return this.#signal?.aborted === true || this.#offset >= (this.#options.end ?? Infinity);
  }

  /** Shows the pieces available in Redis, up to the first one of the attempt `before` or a later one. */
  async #drain(before = typeof this.#options.from === "number" ? this.#options.from + 1 : Infinity): Promise<void> {
    for (;;) {
      const pieces = await this.#store.output(this.#id, this.#cursor);
      if (pieces.length === 0) return;
      for (const piece of pieces) {
        if (piece.attempt >= before || this.#isOver) return;
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
    if (this.#offset >= piece.offset) await this.#write(piece.bytes.subarray(this.#offset - piece.offset));
  }

  async #enter(attempt: number): Promise<void> {
    if (attempt === this.#attempt) return;
    if (this.#attempt > 0) await this.#sink.attempt(attempt);
    this.#attempt = attempt;
    this.#offset = 0;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { end = Infinity } = this.#options;
    const shown = bytes.subarray(0, Math.max(0, end - this.#offset));
    if (shown.length === 0) return;
    const place = { attempt: this.#attempt, offset: this.#offset };
    this.#offset += shown.length;
    this.#hasShown = true;
    await this.#sink.write(shown, place);
  }

  /** Goes on at an offset: with the bytes before it from the host that has them, else with a gap. */
  async #skipTo(offset: number): Promise<void> {
    const to = Math.min(offset, this.#options.end ?? Infinity);
    await this.#fill(to);
    await this.#leaveOut(to);
  }

  /** Goes on at an offset, and reports that the bytes before it are missing. */
  async #leaveOut(offset: number): Promise<void> {
    const to = Math.min(offset, this.#options.end ?? Infinity);
    if (to <= this.#offset || this.#signal?.aborted) return;
    const place = { attempt: this.#attempt, offset: this.#offset };
    this.#offset = to;
    await this.#sink.gap(to - place.offset, place);
  }

  /** Shows the bytes up to an offset that the attempt's own host still has. */
  async #fill(to: number): Promise<void> {
    const { remote } = this.#options;
    if (!remote || this.#offset >= to || this.#job === null) return;
    const of = attemptOf(this.#job, this.#attempt);
    while (of && this.#offset < to && !this.#isOver) {
      const { offset, bytes } = await remote.read(of.job, this.#offset, to - this.#offset);
      if (bytes.length === 0 || offset >= to) return;
      await this.#leaveOut(offset);
      await this.#write(bytes.subarray(0, to - offset));
    }
  }

  /** Shows the start of the output up to an offset, when the result holds its exact bytes. */
  async #showHead(upTo: number): Promise<void> {
    const { head } = this.#kept!;
    if (head.exact) await this.#write(head.bytes.subarray(this.#offset, Math.max(this.#offset, upTo)));
  }

  /** Shows the rest of the output, which was in no piece, from the result of the ended job and from its host. */
  async #finish(job: StoredJob, attempt: number): Promise<void> {
    const kept = this.#kept;
    if (!kept) return await this.#finishUnknown(job, attempt);
    await this.#enter(attempt);
    const { total, head, tail, note } = kept;
    if (this.#offset < total) {
      if (!head.exact) await this.#fill(head.end);
      if (head.exact) await this.#showHead(total);
      else if (this.#offset === 0) await this.#writeInexact(head.bytes, head.end);
      if (tail) {
        await this.#skipTo(tail.start);
        if (!tail.exact) await this.#fill(total);
        if (this.#offset < tail.start) return; // the signal came
        if (tail.exact) await this.#write(tail.bytes.subarray(this.#offset - tail.start));
        else if (this.#offset === tail.start) await this.#writeInexact(tail.bytes, total);
      }
      await this.#skipTo(total);
    }
    if (note.length > 0 && !this.#isOver) await this.#sink.write(note, { attempt: this.#attempt, offset: total });
  }

  /** Shows the rest of an output of unknown length: of a foreign runner, or of an attempt that was lost. */
  async #finishUnknown(job: StoredJob, attempt: number): Promise<void> {
    if (typeof this.#options.from === "number") {
      await this.#enter(attempt);
      return await this.#fill(Infinity);
    }
    if (!this.#hasShown) await this.#write(new TextEncoder().encode(job.fields.result ?? "").subarray(this.#offset));
  }

  /** Shows bytes that replace others, some of which were no text; `end` is the offset behind the original bytes. */
  async #writeInexact(bytes: Uint8Array, end: number): Promise<void> {
    await this.#write(bytes);
    this.#offset = end;
  }
}
