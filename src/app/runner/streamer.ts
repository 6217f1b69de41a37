import type { Queue } from "../../ports/queue.ts";
import type { ActiveRun, RunnerParts } from "./parts.ts";
import type { Runs } from "./runs.ts";

/** Pause between two looks at the output of running jobs, milliseconds. */
export const STREAM_EVERY = 250;
/** Runs younger than this show nothing: most jobs have ended by then, and `result` has it all. */
const YOUNG = 300;
/** Bytes of one piece, and so, four times a second, the most that one chatty job puts into Redis. */
const PIECE = 64 << 10;

/** Shows the output of running jobs in Redis, so that it can be followed from any host. */
export class Streamer {
  readonly #parts: RunnerParts;
  readonly #runs: Runs;

  constructor(parts: RunnerParts, runs: Runs) {
    this.#parts = parts;
    this.#runs = runs;
  }

  /** One look at every run. */
  async tick(): Promise<void> {
    const { queue, clock } = this.#parts;
    for (const active of this.#runs.all()) {
      if (active.ended || clock.now() - active.sinceMs < YOUNG) continue;
      const bytes = await active.executor.read(active.intent.run, active.shown, PIECE);
      if (bytes.length > 0 && !active.ended) await show(queue, active, active.shown, bytes);
    }
  }
}

/**
 * Shows how the output of an ended attempt ends, as far as that was not shown: its last `PIECE` bytes at the most. Of one that is
 * tried again no result will tell.
 *
 * @param total Bytes of the output.
 */
export async function showEnd({ queue }: RunnerParts, active: ActiveRun, total: number): Promise<void> {
  const from = Math.max(active.shown, total - PIECE);
  if (from >= total) return;
  // a disk that fails must not keep its end from being told
  const bytes = await active.executor.read(active.intent.run, from, PIECE).catch(() => new Uint8Array());
  if (bytes.length > 0) await show(queue, active, from, bytes);
}

async function show(queue: Queue, active: ActiveRun, from: number, bytes: Uint8Array): Promise<void> {
  await queue.appendOutput({ id: active.intent.id, token: active.intent.token }, from, bytes);
  active.shown = from + bytes.length;
}
