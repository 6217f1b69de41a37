import { MAX_TIMER } from "../../../domain/limits.ts";
import { inTime } from "../../../domain/in_time.ts";
import { Deadlines } from "./deadlines.ts";
import type { Endings } from "./endings.ts";
import { tenthsOf } from "../lanes/job_script.ts";
import type { Lane } from "../lanes/lane.ts";
import type { LanePool } from "../lanes/lane_pool.ts";
import type { TmuxOptions } from "../options.ts";
import { word } from "../quoting.ts";
import type { Run, StopOrder } from "../lanes/run.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** Limit of the kill script beyond its grace period, milliseconds; then the terminal is closed. */
const KILL_LIMIT = 15_000;
/** Limit until the kill script begins, milliseconds; then the order is given again. */
const KILL_BEGINS = 5000;
/** Pause between two attempts to close a terminal, milliseconds. */
const CLOSE_EVERY = 5000;
/** Pause between two checks whether a lane has begun a run that is to be stopped, milliseconds. */
const BEGUN_EVERY = 20;
/** How long callers wait until tmux has a command, milliseconds. */
const PATIENCE = 1000;
/** Minimum time between two log messages about the same order, milliseconds. */
const SAY_EVERY = 30_000;

/** Stops runs: on order, and at their timeouts. */
export class Stopper {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #pool: LanePool;
  readonly #endings: Endings;
  readonly #deadlines: Deadlines;
  /** Runs whose terminals are gone, and whose processes may be left. */
  readonly #orphaned = new Map<string, Lane>();

  constructor(options: TmuxOptions, parts: { server: TmuxServer; spool: Spool; pool: LanePool; endings: Endings }) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#pool = parts.pool;
    this.#endings = parts.endings;
    this.#deadlines = new Deadlines(options, parts);
  }

  /**
   * Orders a run to be stopped. The order stays in force until the run has ended, whatever happens to tmux; the end
   * shows whether it came in time. Resolves when tmux has the order, or cannot accept it now.
   */
  async stop(run: Run, kind: "timed_out" | "cancelled", graceMs: number): Promise<void> {
    if (run.state === "ended") return;
    run.order ??= { kind, graceMs, givenAt: null, giving: false, closeAt: Infinity, quietUntil: 0 };
    if (!run.order.giving) await this.#patiently(this.#give(run, run.order));
  }

  /** Waits a limited time for a task that tmux may block; the task continues by itself. */
  async #patiently(work: Promise<void>): Promise<void> {
    await inTime(work.catch(() => {}), { clock: this.#options.clock, ms: PATIENCE });
  }

  async #give(run: Run, order: StopOrder): Promise<void> {
    order.giving = true;
    try {
      await this.#tryToGive(run, order);
    } catch (error) {
      const now = this.#options.clock.now();
      if (now < order.quietUntil) return;
      order.quietUntil = now + SAY_EVERY;
      this.#options.log.warn("could not stop a run yet", { job: run.launch.id, error: String(error) });
    } finally {
      order.giving = false;
    }
  }

  async #tryToGive(run: Run, order: StopOrder): Promise<void> {
    const { clock } = this.#options;
    if (run.state === "waiting" && !run.adopted) {
      run.lane?.release(run, clock.now());
      this.#endings.refuse(run, { kind: order.kind });
      return;
    }
    while (run.state === "sent" && run.lane?.pane && !await this.begun(run)) await clock.sleep(BEGUN_EVERY);
    // it has ended, or its terminal is gone and its end is on the way, or it is not found yet
    if (!this.#isRunning(run)) return;
    run.mayBeStopped = true;
    if (this.#spool.isLost) return await this.#pool.kill(run.lane.pane!); // kill.sh went with the folder
    await this.#server.shell(this.#script(run.name, run.lane, order.kind, order.graceMs));
    order.givenAt = clock.now();
    if (order.closeAt === Infinity) order.closeAt = order.givenAt + order.graceMs + KILL_LIMIT;
  }

  /** Returns whether the lane of a run has begun it, according to the lane's journal. */
  async begun(run: Run): Promise<boolean> {
    const { running, ends } = await this.#spool.readJournal(run.lane!.key);
    // without the folder the journal proves nothing: a terminal that is closed for the run has begun it, or never will
    const begun = running === run.name || ends.has(run.name) || this.#spool.isLost;
    if (begun && run.state === "sent") run.state = "started";
    return begun;
  }

  #isRunning(run: Run): run is Run & { lane: Lane } {
    return run.state === "started" && run.lane !== null && run.lane.pane !== null;
  }

  /**
   * Ensures that tmux will end a run at its timeout. Called before its lane gets it, when the script of the run exists.
   */
  async expect(run: Run): Promise<void> {
    if (run.launch.timeoutMs !== null) await this.#patiently(this.#deadlines.cover(run));
  }

  /** Starts the timeout of a run that was just sent to its lane. */
  begin(run: Run): void {
    run.firstAt = this.#options.clock.now();
    if (run.launch.timeoutMs !== null) this.#wait(run, run.launch.timeoutMs);
  }

  /** Covers a run that began under an earlier process: only the deadline script can find out how long ago. */
  adopt(run: Run): void {
    this.#deadlines.cover(run).catch((error) => this.#failed(run, error));
  }

  #wait(run: Run, ms: number): void {
    const part = Math.min(ms, MAX_TIMER);
    run.timer = setTimeout(() => {
      if (part < ms) return this.#wait(run, ms - part);
      void this.stop(run, "timed_out", this.#options.killGraceMs);
    }, part);
  }

  /** Checks everything that is to be stopped, once. */
  round(runs: Iterable<Run>, lanes: Iterable<Lane>): void {
    for (const run of runs) if (run.state !== "ended") this.#tick(run);
    for (const lane of lanes) void this.#tickUnknownRun(lane);
    if (this.#orphaned.size > 0) void this.#clearOrphaned();
  }

  #tick(run: Run): void {
    const { order } = run;
    // the next round tries again
    if (this.#isRunning(run) && !this.#deadlines.busy) this.#deadlines.cover(run).catch(() => {});
    if (order && !order.giving) {
      this.#insist(run, order).catch((error) => this.#failed(run, error));
    }
  }

  /** Gives an order again that has had no effect. */
  async #insist(run: Run, order: StopOrder): Promise<void> {
    const now = this.#options.clock.now();
    if (now > order.closeAt && run.lane !== null && run.lane.pane !== null) {
      if (now > order.quietUntil) {
        this.#options.log.warn("closing the terminal of a run that does not end", { job: run.launch.id });
      }
      order.quietUntil = now + SAY_EVERY;
      order.closeAt = now + CLOSE_EVERY;
      return await this.#pool.kill(run.lane.pane);
    }
    if (order.givenAt !== null) {
      if (now - order.givenAt < KILL_BEGINS) return;
      if (await this.#options.files.stat(this.#spool.stop(run.name)) !== null) return; // it has begun
    }
    if (!order.giving) await this.#give(run, order);
  }

  /** Kills the processes that a run left behind when its terminal was closed. */
  async clear(run: Run): Promise<void> {
    if (!run.lane) return;
    this.#orphaned.set(run.name, run.lane);
    await this.#clearOrphaned();
  }

  async #clearOrphaned(): Promise<void> {
    for (const [run, lane] of [...this.#orphaned]) {
      this.#orphaned.delete(run);
      try {
        await this.#server.shell(this.#script(run, lane, "orphans", this.#options.killGraceMs));
      } catch {
        this.#orphaned.set(run, lane); // the next round tries again
      }
    }
  }

  /** Stops a run of an earlier process that has no record any more. */
  async stopUnknownRun(lane: Lane): Promise<void> {
    lane.unknownRunStoppedAt = this.#options.clock.now();
    try {
      await this.#server.shell(this.#script(lane.unknownRun!, lane, "cancelled", this.#options.killGraceMs));
    } catch {
      lane.unknownRunStoppedAt = -Infinity; // the next round tries again
    }
  }

  /** Gives that order again, or closes the terminal. */
  async #tickUnknownRun(lane: Lane): Promise<void> {
    const { killGraceMs, clock, log } = this.#options;
    if (lane.unknownRun === null || lane.pane === null || lane.unknownRunStoppedAt === null) return;
    if (lane.unknownRunStoppedAt === -Infinity) return await this.stopUnknownRun(lane);
    if (clock.now() - lane.unknownRunStoppedAt < killGraceMs + KILL_LIMIT) return;
    lane.unknownRunStoppedAt = clock.now();
    log.warn("closing the terminal of a run of an earlier process that does not end");
    await this.#pool.kill(lane.pane);
  }

  #script(run: string, { key, pid }: Lane, reason: string, graceMs: number): string {
    const { dir, scripts: { kill } } = this.#spool;
    return ["sh", kill, dir, key, String(pid), run, reason, tenthsOf(graceMs)].map(word).join(" ");
  }

  #failed(run: Run, error: unknown): void {
    this.#options.log.error("could not stop a run", { job: run.launch.id, error: String(error) });
  }
}
