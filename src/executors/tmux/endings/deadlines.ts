import type { Lane } from "../lanes/lane.ts";
import type { TmuxOptions } from "../options.ts";
import { word } from "../quoting.ts";
import type { Run } from "../lanes/run.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** Delay of the script after the timeout, milliseconds: this process stops the run first. See deadline.sh. */
const LATE = 1000;

/**
 * Makes tmux end runs at their timeouts, with or without this process.
 *
 * A script (deadline.sh) checks all lanes, stops the runs that exceed their timeouts, and sets a timer of tmux for the
 * next timeout. That timer starts the script again. So one timer serves all runs, and a run costs something only when
 * that timer would be too late for it.
 */
export class Deadlines {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  /** Monotonic time of the next check of all lanes; without meaning once it has passed. */
  #watchesUntil = -Infinity;
  /**
   * A lane of the server that holds the timer: when the lane's pane is gone, the server and its timer may be gone, too.
   */
  #witness: Lane | null = null;
  readonly #open = new Set<Run>();
  #watching: Promise<void> | null = null;

  constructor(options: TmuxOptions, { server, spool }: { server: TmuxServer; spool: Spool }) {
    this.#options = options;
    this.#server = server;
    this.#spool = spool;
  }

  /** Ensures that the script checks a run when its timeout has passed. */
  async cover(run: Run): Promise<void> {
    if (run.launch.timeoutMs === null || run.armed) return;
    this.#open.add(run);
    while (this.#watching) await this.#watching.catch(() => {});
    if (!run.adopted && this.#stands && this.#watchesUntil <= this.#end(run)) run.armed = true;
    if (run.armed || run.state === "ended") return void this.#open.delete(run);
    this.#watching = this.#watch().finally(() => this.#watching = null);
    await this.#watching;
  }

  /** Returns when the script would end a run that begins now, or that this process has already sent to its lane. */
  #end(run: Run): number {
    return (run.firstAt ?? this.#options.clock.now()) + run.launch.timeoutMs! + LATE;
  }

  async #watch(): Promise<void> {
    const runs = [...this.#open];
    this.#open.clear();
    const start = this.#options.clock.now();
    const end = Math.min(...runs.filter((run) => !run.adopted).map((run) => this.#end(run)));
    const pause = end < Infinity ? [Math.max(0.1, (end - start) / 1000).toFixed(1)] : [];
    const { dir, scripts: { deadline, kill } } = this.#spool;
    const script = ["sh", deadline, dir, kill.slice(kill.lastIndexOf("/") + 1), ...pause];
    await this.#server.shell(script.map(word).join(" "));
    for (const run of runs) run.armed = run.lane !== null;
    if (this.#stands) this.#watchesUntil = Math.min(this.#watchesUntil, end);
    else {
      this.#watchesUntil = end;
      this.#witness = runs.find(({ lane }) => lane !== null)?.lane ?? null;
    }
  }

  /** Whether a timer is certainly set. */
  get #stands(): boolean {
    return this.#options.clock.now() < this.#watchesUntil && this.#witness !== null && this.#witness.pane !== null;
  }

  /** Whether a check is in progress. */
  get busy(): boolean {
    return this.#watching !== null;
  }
}
