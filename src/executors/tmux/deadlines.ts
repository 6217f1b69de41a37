import type { Lane } from "./lane.ts";
import type { TmuxOptions } from "./options.ts";
import { word } from "./quoting.ts";
import type { Run } from "./run.ts";
import type { TmuxServer } from "./server.ts";
import type { Spool } from "./spool.ts";

/** How much later than this process the script ends a run, milliseconds: see there. */
const LATE = 1000;

/**
 * Has tmux end runs at their timeouts, whether this process lives or not.
 *
 * A script (deadline.sh) looks at all lanes, ends the runs that are too old, and lets a timer of tmux start it again
 * when the next one will be. So one timer serves all runs, and a run costs something only when that timer would come
 * too late for it.
 */
export class Deadlines {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  /** Monotonic time by which the script looks at all lanes; nothing is known of a time that has passed. */
  #watchesUntil = -Infinity;
  /** A lane of the server that has the timer: it went with them when that one is gone. */
  #witness: Lane | null = null;
  readonly #open = new Set<Run>();
  #watching: Promise<void> | null = null;

  constructor(options: TmuxOptions, { server, spool }: { server: TmuxServer; spool: Spool }) {
    this.#options = options;
    this.#server = server;
    this.#spool = spool;
  }

  /** Makes sure that the script looks at a run when its time is over. */
  async cover(run: Run): Promise<void> {
    if (run.launch.timeoutMs === null || run.armed) return;
    this.#open.add(run);
    while (this.#watching) await this.#watching.catch(() => {});
    if (!run.adopted && this.#stands && this.#watchesUntil <= this.#end(run)) run.armed = true;
    if (run.armed || run.state === "ended") return void this.#open.delete(run);
    this.#watching = this.#watch().finally(() => this.#watching = null);
    await this.#watching;
  }

  /** When the script would end a run that begins now, or began when this process told its lane. */
  #end(run: Run): number {
    return (run.firstAt ?? this.#options.clock.now()) + run.launch.timeoutMs! + LATE;
  }

  async #watch(): Promise<void> {
    const runs = [...this.#open];
    this.#open.clear();
    const start = this.#options.clock.now();
    const end = Math.min(...runs.filter((run) => !run.adopted).map((run) => this.#end(run)));
    const pause = end < Infinity ? [Math.max(0.1, (end - start) / 1000).toFixed(1)] : [];
    const { deadline, dir, kill } = this.#spool;
    const script = ["sh", deadline, dir, kill.slice(kill.lastIndexOf("/") + 1), ...pause];
    await this.#server.shell(script.map(word).join(" "));
    for (const run of runs) run.armed = run.lane !== null;
    if (this.#stands) this.#watchesUntil = Math.min(this.#watchesUntil, end);
    else {
      this.#watchesUntil = end;
      this.#witness = runs.find(({ lane }) => lane !== null)?.lane ?? null;
    }
  }

  /** Whether a timer is there for sure. */
  get #stands(): boolean {
    return this.#options.clock.now() < this.#watchesUntil && this.#witness !== null && this.#witness.pane !== null;
  }

  /** A look is under way. */
  get busy(): boolean {
    return this.#watching !== null;
  }
}
