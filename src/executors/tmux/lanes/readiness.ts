import { Mutex } from "../../../domain/mutex.ts";
import { type Command, TmuxError } from "../server/clients.ts";
import { FLOOD, type Lane } from "./lane.ts";
import type { LanePool } from "./lane_pool.ts";
import type { TmuxOptions } from "../options.ts";
import type { TmuxServer } from "../server/server.ts";

/** Pause after tmux could not be reached, milliseconds. */
const RETRY = 1000;
/**
 * Age of a run at which its terminal's input is enabled, milliseconds. So a short run in a lane with disabled input
 * costs no tmux command.
 */
const INPUT_AFTER = 20;
/** Maximum number of panes per client. */
const AT_ONCE = 100;
/** Asks a lane to clean its terminal. Lanes of earlier versions handle it as a query, and reply to that. */
const CLEAN = "-clean";

/**
 * Prepares idle lanes for their next run: cleans their terminals and disables their input in tmux, so that they stay
 * clean. Without that, a single run would have to wait for the programs that clean.
 */
export class Readiness {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #pool: LanePool;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Monotonic time at which the timer ends. */
  #at = Infinity;
  /** Changes are made one after the other, so that the last one stays in force. */
  readonly #changes = new Mutex();
  #closed = false;

  constructor(options: TmuxOptions, { server, pool }: { server: TmuxServer; pool: LanePool }) {
    this.#options = options;
    this.#server = server;
    this.#pool = pool;
  }

  /** Checks the lanes after `ms`, as one may be idle by then. */
  soon(ms = FLOOD): void {
    const at = this.#options.clock.now() + ms;
    if (this.#closed || this.#at <= at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Infinity;
      this.#refresh();
    }, ms);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Schedules input for a lane that begins a run. */
  begins(lane: Lane): void {
    if (lane.inputDisabled !== false) this.soon(INPUT_AFTER);
  }

  /** Enables the input of a lane that has a run. */
  async enableInput(lane: Lane): Promise<void> {
    if (lane.inputDisabled !== false) await this.#change([lane], false);
  }

  #refresh(): void {
    const now = this.#options.clock.now();
    const [inputEnabled, inputDisabled, idle]: Lane[][] = [[], [], []];
    for (const lane of this.#pool.lanes.values()) {
      if (lane.pane === null) continue;
      if (lane.runs.length > 0) {
        const begunAt = lane.runs[0].firstAt ?? -Infinity;
        if (lane.inputDisabled === false) continue;
        if (now - begunAt >= INPUT_AFTER) inputEnabled.push(lane);
        else this.soon(begunAt + INPUT_AFTER - now);
      } else if (!lane.free || lane.ready) continue;
      else if (now - lane.usedAt < FLOOD) this.soon(); // in a flood there is no time for it
      else (lane.inputDisabled === true ? idle : inputDisabled).push(lane);
    }
    this.#clean(idle);
    for (const [lanes, to] of [[inputEnabled, false], [inputDisabled, true]] as const) {
      for (let at = 0; at < lanes.length; at += AT_ONCE) {
        this.#change(lanes.slice(at, at + AT_ONCE), to).catch(() => this.soon(RETRY));
      }
    }
  }

  #change(lanes: readonly Lane[], inputDisabled: boolean): Promise<void> {
    return this.#changes.run(() => this.#set(lanes, inputDisabled));
  }

  async #set(lanes: readonly Lane[], inputDisabled: boolean): Promise<void> {
    // skips lanes whose state has changed meanwhile
    const meant = lanes.filter((lane) => lane.pane !== null && (inputDisabled ? lane.free : lane.runs.length > 0));
    if (meant.length === 0) return;
    for (const lane of meant) lane.inputDisabled = null;
    try {
      await this.#server.run(
        ...meant.map((lane): Command => ["select-pane", inputDisabled ? "-d" : "-e", "-t", lane.pane!]),
      );
    } catch (error) {
      // a pane that is gone fails the command for the others; an unresponsive server would cost its deadline for each
      if (meant.length === 1 || !(error instanceof TmuxError)) throw error;
      for (const lane of meant) await this.#set([lane], inputDisabled).catch(() => this.soon(RETRY));
      return;
    }
    for (const lane of meant) lane.inputDisabled = inputDisabled;
    if (inputDisabled) this.#clean(meant);
  }

  #clean(lanes: readonly Lane[]): void {
    for (const lane of lanes) if (lane.free) lane.send(CLEAN).catch(() => this.soon(RETRY));
  }

  /** Records that a lane has cleaned its terminal. */
  cleaned(key: string): void {
    const lane = this.#pool.lanes.get(key);
    if (!lane?.free || lane.inputDisabled !== true) return;
    lane.dirty = false;
    lane.ready = true;
  }
}
