import { MAX_LIVE_OUTPUT } from "../../domain/limits.ts";
import { fitsResult, type OutputSample } from "../../domain/output.ts";
import type { Queue, Trouble } from "../../ports/queue.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";

/** Pause between two looks at the output of running jobs, milliseconds. */
export const STREAM_EVERY = 250;
/** Runs younger than this show nothing: most jobs have ended by then, and `result` has it all. */
const YOUNG = 300;
/** Bytes of one piece, and so, four times a second, the most that one chatty job puts into Redis. */
const PIECE = 64 << 10;
/** Bytes of one piece while the output is followed, as it may come in bursts. */
const FOLLOWED = 1 << 20;

/** Shows the output of running jobs in Redis, so that it can be followed from any host. */
export class Streamer {
  readonly #parts: RunnerParts;
  readonly #attempts: Attempts;

  constructor(parts: RunnerParts, attempts: Attempts) {
    this.#parts = parts;
    this.#attempts = attempts;
  }

  /** One look at every run. */
  async tick(): Promise<void> {
    const { queue, clock } = this.#parts;
    for (const active of this.#attempts.all()) {
      if (active.ended || clock.now() - active.sinceMs < YOUNG) continue;
      const bytes = await active.executor.read(active.attempt.name, active.shown, active.followed ? FOLLOWED : PIECE);
      if (bytes.length === 0 || active.ended) continue;
      try {
        await show(queue, active, active.shown, bytes);
      } catch (error) {
        if (!takesNoOutput(error)) throw error; // else the next round tries again, and the others have their turn
      }
    }
  }
}

/** Whether Redis is there and cannot take an output, as at its memory limit: it still takes the ends of jobs. */
export function takesNoOutput(error: unknown): boolean {
  const { condition } = error as Partial<Trouble>;
  return condition === "full" || condition === "unfit";
}

/** What is known of the end of an attempt when its output is shown. */
export interface ShownEnd {
  readonly output: OutputSample;
  /** No result will tell of it: the job is tried again. */
  readonly retried: boolean;
  /** The result does not have these bytes as they are: some are no text. */
  readonly inexact: boolean;
}

/**
 * Shows of the output of an ended attempt what the result will not: to those who follow it, all that Redis keeps;
 * otherwise bytes that are no text, and the last ones of an attempt that is tried again. For an output that its result
 * holds this does nothing.
 */
export async function showEnd({ queue }: RunnerParts, active: ActiveAttempt, end: ShownEnd): Promise<void> {
  const { output: { total, head, tail }, retried, inexact } = end;
  const isReported = !retried && !inexact;
  const left = total - active.shown;
  if (left <= 0 || isReported && (fitsResult(total) || left <= PIECE)) return;
  if (fitsResult(total)) return await show(queue, active, active.shown, head.subarray(active.shown));
  const { id, token } = active.attempt;
  // where the disk has not kept it, what the sample has
  if (await queue.appendOutput({ id, token }, total, new Uint8Array()) > 0) await showRest(queue, active, total);
  const last = { start: total - tail.length, bytes: tail };
  for (const { start, bytes } of retried ? [last] : inexact ? [{ start: 0, bytes: head }, last] : []) {
    const from = Math.max(active.shown, start);
    const rest = bytes.subarray(from - start);
    if (rest.length > 0) await show(queue, active, from, rest);
  }
}

/** Shows what the disk has of the output, up to its end. */
async function showRest(queue: Queue, active: ActiveAttempt, total: number): Promise<void> {
  for (let from = Math.max(active.shown, total - MAX_LIVE_OUTPUT); from < total; from = active.shown) {
    // a disk that fails must not keep its end from being told
    const bytes = await active.executor.read(active.attempt.name, from, FOLLOWED).catch(() => new Uint8Array());
    if (bytes.length === 0) return;
    await show(queue, active, from, bytes);
  }
}

async function show(queue: Queue, active: ActiveAttempt, from: number, bytes: Uint8Array): Promise<void> {
  const { id, token } = active.attempt;
  active.followed = await queue.appendOutput({ id, token }, from, bytes) > 0;
  active.shown = from + bytes.length;
}
