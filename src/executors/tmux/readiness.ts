import { FLOOD, type Lane } from "./lane.ts";
import type { LanePool } from "./lane_pool.ts";
import type { TmuxOptions } from "./options.ts";
import type { TmuxServer } from "./server.ts";

/** Pause after tmux could not be reached, milliseconds. */
const RETRY = 1000;
/** Asks a lane to clean its terminal. Lanes of earlier versions take it for a question, and answer that. */
const CLEAN = "-clean";

/**
 * Makes lanes that have nothing to do ready for their next run: their terminals are cleaned, and tmux gives them no keys any more, so
 * that they stay clean. A run that comes alone would have to wait for the programs that clean.
 */
export class Readiness {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #pool: LanePool;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: TmuxOptions, { server, pool }: { server: TmuxServer; pool: LanePool }) {
    this.#options = options;
    this.#server = server;
    this.#pool = pool;
  }

  /** A lane may have nothing to do: looks in a while. */
  soon(ms = FLOOD): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, ms);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #look(): void {
    const now = this.#options.clock.now();
    for (const lane of this.#pool.lanes.values()) {
      if (lane.runs.length > 0) this.hear(lane);
      else if (!lane.free || lane.ready) continue;
      else if (now - lane.usedAt < FLOOD) this.soon(); // in a flood there is no time for it
      else this.#prepare(lane).catch(() => this.soon(RETRY));
    }
  }

  async #prepare(lane: Lane): Promise<void> {
    lane.deaf = true;
    await this.#server.command(`select-pane -d -t ${lane.pane}`);
    if (lane.free) await lane.send(CLEAN);
  }

  /** A lane has cleaned its terminal. */
  cleaned(key: string): void {
    const lane = this.#pool.lanes.get(key);
    if (!lane?.free || !lane.deaf) return;
    lane.dirty = false;
    lane.ready = true;
  }

  /** A lane gets a run, or has one: keys reach it. */
  hear(lane: Lane): void {
    if (!lane.deaf || lane.pane === null) return;
    lane.deaf = false;
    this.#server.command(`select-pane -e -t ${lane.pane}`).catch(() => {
      lane.deaf = true;
      this.soon(RETRY);
    });
  }
}
