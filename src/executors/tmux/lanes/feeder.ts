import { LaunchError } from "../../../domain/errors.ts";
import { messageOf } from "../../../domain/message_of.ts";
import type { Endings } from "../endings/endings.ts";
import type { Stopper } from "../endings/stopper.ts";
import type { TmuxOptions } from "../options.ts";
import type { HostReply } from "../server/server.ts";
import type { Spool } from "../spool.ts";
import { parseTarget } from "../target.ts";
import { writeScript } from "./job_script.ts";
import type { Lane } from "./lane.ts";
import type { LanePool } from "./lane_pool.ts";
import type { Readiness } from "./readiness.ts";
import type { Run } from "./run.ts";

/** Number of terminals that may fail to start a run; one more, and the run is given back. */
const MAX_FAILURES = 2;

/** What a `Feeder` works with. */
export interface FeederParts {
  readonly spool: Spool;
  readonly pool: LanePool;
  readonly endings: Endings;
  readonly stopper: Stopper;
  readonly readiness: Readiness;
  /** Basic environment of all runs. */
  readonly base: Readonly<Record<string, string>>;
  /** Shell that runs payloads, and the commands that apply the mask and the limits of this process. */
  readonly host: Pick<HostReply, "shell" | "inherit">;
  /** Epoch of this process. */
  readonly epoch: string;
}

/** Passes runs to lanes. */
export class Feeder {
  readonly #options: TmuxOptions;
  readonly #parts: FeederParts;

  constructor(options: TmuxOptions, parts: FeederParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Assigns a run to a lane, which begins it at once or after the runs before it. */
  async enter(run: Run): Promise<void> {
    const lane = await this.#parts.pool.assign(run, parseTarget(run.launch.target));
    if (run.state === "ended") { // stopped meanwhile
      lane.release(run, this.#options.clock.now());
      return this.feed(lane);
    }
    if (lane.runs[0] !== run) return;
    try {
      await this.#feed(lane);
    } catch (error) {
      lane.drop(run, this.#options.clock.now());
      throw error;
    }
  }

  /** Sends the first waiting run of a lane to it, if the lane can begin one. A failure ends the run. */
  feed(lane: Lane): void {
    const [run] = lane.runs;
    this.#feed(lane).catch((error) => {
      if (run.lane !== lane || run.state !== "waiting") return;
      lane.release(run, this.#options.clock.now());
      this.#parts.endings.refuse(run, {
        kind: "unlaunched",
        why: `it could not be given to its terminal: ${error}`,
      });
      this.feed(lane);
    });
  }

  async #feed(lane: Lane): Promise<void> {
    const { files, cwd, clock, killGraceMs } = this.#options;
    const { spool, base, host, stopper, readiness, epoch } = this.#parts;
    const [run] = lane.runs;
    if (run?.state !== "waiting" || !lane.mayBegin) return;
    if (lane.reads.size > 0) return void lane.reads.idle().then(() => this.feed(lane));
    run.state = "sent";
    lane.script = run.name;
    try {
      const clean = lane.mustClean(clock.now());
      const { shell, inherit: limits } = host;
      const parts = { clean, files, spool, base, cwd, graceMs: killGraceMs, limits, shell };
      await writeScript(run.launch, lane.key, parts);
      await stopper.expect(run);
      if (run.lane !== lane || run.state !== "sent") return; // its terminal is gone meanwhile
      await lane.send(epoch);
    } catch (error) {
      // else its terminal is gone meanwhile, and it was given to another one
      if (run.lane === lane && run.state === "sent") run.state = "waiting";
      throw error;
    }
    stopper.begin(run);
    readiness.begins(lane);
  }

  /**
   * Gives a run that its lane has not begun, and will not, to another lane. `failed`: counts it as a failure of the
   * run.
   */
  async retry(run: Run, lane: Lane, failed = true): Promise<void> {
    const { endings } = this.#parts;
    lane.drop(run, this.#options.clock.now());
    run.lane = null;
    run.firstAt = null;
    run.state = "waiting";
    run.armed = false;
    clearTimeout(run.timer);
    if (run.order !== null) return endings.refuse(run, { kind: run.order.kind });
    if (failed) run.failures++;
    try {
      if (run.failures > MAX_FAILURES) throw new LaunchError(`${run.failures} terminals did not start it`);
      await this.enter(run);
    } catch (error) {
      endings.refuse(run, { kind: "unlaunched", why: messageOf(error) });
    }
  }
}
