import type { RunnerParts } from "./parts.ts";
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
      if (bytes.length === 0 || active.ended) continue;
      await queue.appendOutput({ id: active.intent.id, token: active.intent.token }, active.shown, bytes);
      active.shown += bytes.length;
    }
  }
}
