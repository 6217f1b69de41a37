import { MAX_TIMER } from "../../domain/limits.ts";
import type { Endings } from "./endings.ts";
import type { Lane } from "./lane.ts";
import type { LanePool } from "./lane_pool.ts";
import type { TmuxOptions } from "./options.ts";
import { word } from "./quoting.ts";
import type { Run } from "./run.ts";
import type { TmuxServer } from "./server.ts";
import type { Spool } from "./spool.ts";

/** Runs that have lasted this long, milliseconds, are also ended by tmux: a short run must not pay for that. */
const ARM_AFTER = 5000;
/** How much later than this process tmux ends a run, seconds. */
const ARM_LATER = 2;
/** How long the kill script may take beyond its pause, milliseconds; then the terminal is closed. */
const KILL_LIMIT = 15_000;
/** Pause between two looks whether a lane has begun a run that shall end, milliseconds. */
const BEGUN_EVERY = 20;

/** Ends runs: on order, and at their timeouts. */
export class Stopper {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #pool: LanePool;
  readonly #endings: Endings;

  constructor(options: TmuxOptions, parts: { server: TmuxServer; spool: Spool; pool: LanePool; endings: Endings }) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#pool = parts.pool;
    this.#endings = parts.endings;
  }

  /** Orders a run to be stopped. Its end says whether that came in time. */
  async stop(run: Run, kind: "timed_out" | "cancelled", graceMs: number): Promise<void> {
    if (run.state === "waiting" && !run.adopted) {
      run.lane?.release(run, this.#options.clock.now());
      this.#endings.refuse(run, { kind });
      return;
    }
    while (run.state === "sent" && run.lane?.pane && !await this.begun(run)) {
      run.unwanted = kind;
      await this.#options.clock.sleep(BEGUN_EVERY);
    }
    if (!this.#isRunning(run)) return; // it has ended, or its terminal is gone and its end is on the way
    run.mayBeStopped = true;
    run.stopBy = this.#options.clock.now() + graceMs + KILL_LIMIT;
    await this.#server.shell(this.#script(run, kind, graceMs, 0));
  }

  /** Whether the lane of a run has begun it, as the lane's journal says. */
  async begun(run: Run): Promise<boolean> {
    const { running, ends } = await this.#spool.readJournal(run.lane!.key);
    const begun = running === run.name || ends.has(run.name);
    if (begun && run.state === "sent") run.state = "started";
    return begun;
  }

  #isRunning(run: Run): run is Run & { lane: Lane } {
    return run.state === "started" && run.lane !== null && run.lane.pane !== null;
  }

  /** A run was given to its lane: its time counts. */
  begin(run: Run): void {
    run.firstAt = this.#options.clock.now();
    if (run.launch.timeoutMs !== null) this.#wait(run, run.launch.timeoutMs);
  }

  /** A run began under an earlier process. */
  adopt(run: Run): void {
    if (run.launch.timeoutMs !== null) this.#arm(run, 0);
  }

  #wait(run: Run, ms: number): void {
    const part = Math.min(ms, MAX_TIMER);
    run.timer = setTimeout(() => {
      if (part < ms) return this.#wait(run, ms - part);
      this.stop(run, "timed_out", this.#options.killGraceMs).catch((error) => this.#failed(run, error));
    }, part);
  }

  /** Looks after a run: arms tmux, and closes the terminal of one that cannot be killed. */
  tick(run: Run): void {
    const now = this.#options.clock.now();
    const { timeoutMs } = run.launch;
    if (run.state === "ended" || !run.lane) return;
    if (timeoutMs !== null && !run.armed && run.firstAt !== null && now - run.firstAt > ARM_AFTER) {
      this.#arm(run, now - run.firstAt);
    }
    if (run.stopBy !== null && now > run.stopBy && run.lane.pane !== null) {
      run.stopBy = null;
      this.#options.log.warn("closed the terminal of a run that did not end", { job: run.launch.id });
      this.#pool.kill(run.lane.pane);
    }
  }

  /** `ageMs` is how long it has run, when that is known. */
  #arm(run: Run, ageMs: number): void {
    const limit = Math.ceil(run.launch.timeoutMs! / 1000) + (run.adopted ? 0 : ARM_LATER);
    run.armed = true;
    run.mayBeStopped = true;
    const script = this.#script(run, "timed_out", this.#options.killGraceMs, limit);
    // the age of an adopted run is known to the script alone, which waits for the rest
    const delay = run.adopted ? 0 : Math.max(0, limit - Math.floor(ageMs / 1000));
    this.#server.shell(script, delay).catch((error) => {
      run.armed = false;
      this.#failed(run, error);
    });
  }

  /** Ends what a run left behind when its terminal went away. */
  async clear(run: Run): Promise<void> {
    if (run.lane) await this.#server.shell(this.#script(run, "orphans", this.#options.killGraceMs, 0));
  }

  /** Ends a run of an earlier process that nobody knows any more. */
  async stopStranger(run: string, lane: { key: string; pid: number }): Promise<void> {
    await this.#server.shell(this.#command(run, lane, ["cancelled", this.#tenths(this.#options.killGraceMs), "0"]));
  }

  #script(run: Run, reason: string, graceMs: number, limitSeconds: number): string {
    return this.#command(run.name, run.lane!, [reason, this.#tenths(graceMs), String(limitSeconds)]);
  }

  #command(run: string, { key, pid }: { key: string; pid: number }, how: readonly string[]): string {
    return ["sh", this.#spool.kill, this.#spool.dir, key, String(pid), run, ...how].map(word).join(" ");
  }

  #tenths(ms: number): string {
    return String(Math.ceil(ms / 100));
  }

  #failed(run: Run, error: unknown): void {
    this.#options.log.error("could not stop a run", { job: run.launch.id, error: String(error) });
  }
}
