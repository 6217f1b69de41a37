import { MAX_LIVE_OUTPUT } from "../domain/limits.ts";
import { fitsResult, type OutputSample } from "../domain/output.ts";
import type { LiveAttempts, Trouble } from "../ports/queue.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";

/** Pause between two rounds over the output of running jobs, milliseconds. */
export const STREAM_EVERY = 250;
/**
 * Age below which an attempt's output is not published, milliseconds: most jobs end earlier, and `result` holds their
 * whole output.
 */
const YOUNG = 300;
/** Bytes of one piece. At four rounds a second this bounds what one job with much output writes into Redis. */
const PIECE = 64 << 10;
/** Bytes of one piece while clients follow the output, as it may come in bursts. */
const FOLLOWED = 1 << 20;

/** What it works with. */
type StreamerParts = Pick<RunnerParts, "clock"> & { readonly queue: LiveAttempts };

/** Publishes the output of running jobs in Redis, so that clients on any host can follow it. */
export class Streamer {
  readonly #parts: StreamerParts;
  readonly #attempts: Attempts;

  constructor(parts: StreamerParts, attempts: Attempts) {
    this.#parts = parts;
    this.#attempts = attempts;
  }

  /** Publishes one piece of new output of each attempt. */
  async tick(): Promise<void> {
    const { queue, clock } = this.#parts;
    for (const active of this.#attempts.all()) {
      if (active.ended || clock.now() - active.sinceMs < YOUNG) continue;
      const limit = active.followed ? FOLLOWED : PIECE;
      const { offset, bytes } = await active.executor.read(active.attempt.name, active.shown, limit);
      if (bytes.length === 0 || active.ended) continue;
      try {
        await show(queue, active, offset, bytes);
      } catch (error) {
        if (!rejectsOutput(error)) throw error; // otherwise the next round retries; the other attempts go on now
      }
    }
  }
}

/**
 * Returns true when Redis is reachable but accepts no output, as at its memory limit. It still accepts ends of jobs.
 */
export function rejectsOutput(error: unknown): boolean {
  const { condition } = error as Partial<Trouble>;
  return condition === "full" || condition === "unfit";
}

/** Facts about an attempt's end that decide which output is still published. */
export interface ShownEnd {
  readonly output: OutputSample;
  /** True when the job is tried again: no result will contain this output. */
  readonly retried: boolean;
  /** True when the result may not hold these exact bytes: some are not text. */
  readonly inexact: boolean;
}

/**
 * Publishes the output of an ended attempt that its result will not hold. Clients that follow it get all that Redis
 * keeps. Otherwise only two kinds are published: bytes that are not text, and the last bytes of an attempt that is
 * tried again. Does nothing for output that the result holds.
 */
export async function showEnd(
  { queue }: { readonly queue: LiveAttempts },
  active: ActiveAttempt,
  end: ShownEnd,
): Promise<void> {
  const { output: { total, head, tail }, retried, inexact } = end;
  const isReported = !retried && !inexact;
  const left = total - active.shown;
  if (left <= 0 || isReported && (fitsResult(total) || left <= PIECE)) return;
  if (fitsResult(total)) return await show(queue, active, active.shown, head.subarray(active.shown));
  const { id, token } = active.attempt;
  // what the disk no longer holds comes from the sample
  if (await queue.appendOutput({ id, token }, total, new Uint8Array()) > 0) await showRest(queue, active, total);
  const last = { start: total - tail.length, bytes: tail };
  for (const { start, bytes } of retried ? [last] : inexact ? [{ start: 0, bytes: head }, last] : []) {
    const from = Math.max(active.shown, start);
    const rest = bytes.subarray(from - start);
    if (rest.length > 0) await show(queue, active, from, rest);
  }
}

/** Publishes the output that is on disk, up to its end. */
async function showRest(queue: LiveAttempts, active: ActiveAttempt, total: number): Promise<void> {
  for (let from = Math.max(active.shown, total - MAX_LIVE_OUTPUT); from < total; from = active.shown) {
    // a failing disk must not prevent the report of the end
    const part = await active.executor.read(active.attempt.name, from, FOLLOWED).catch(() => null);
    if (part === null || part.bytes.length === 0) return;
    await show(queue, active, part.offset, part.bytes);
  }
}

async function show(queue: LiveAttempts, active: ActiveAttempt, from: number, bytes: Uint8Array): Promise<void> {
  const { id, token } = active.attempt;
  active.followed = await queue.appendOutput({ id, token }, from, bytes) > 0;
  active.shown = from + bytes.length;
}
