import type { Feeder } from "./feeder.ts";
import type { Lane } from "./lane.ts";
import { freeName } from "../server/new_pane.ts";
import type { EndingParts } from "../endings/parts.ts";

/** Maximum number of terminals that are left to programs of ended runs; the oldest are closed. */
export const MAX_HELD = 16;
/** Pause between two queries whether they are still needed, milliseconds. */
const ASK_EVERY = 5000;
/** Input that asks a lane for that. */
const HELD = "-held";

/**
 * Terminals that programs of ended runs have open, such as a server that was started in the background with `setsid`.
 * It would write into the output of the next run, so another terminal replaces this one. This one stays for the
 * program, and is closed when the program has ended.
 */
export class HeldPanes {
  readonly #parts: EndingParts;
  readonly #feeder: Feeder;
  #queriedAt = -Infinity;
  /** Commands of tmux in progress. */
  readonly #pending = new Set<Promise<void>>();

  constructor(parts: EndingParts, feeder: Feeder) {
    this.#parts = parts;
    this.#feeder = feeder;
  }

  /**
   * Leaves a terminal to the program of an ended run that has it open. Runs that wait for this terminal go to another
   * one.
   */
  hold(lane: Lane, run: string): void {
    const { options, pool, server, runs } = this.#parts;
    if (lane.held || lane.pane === null) return;
    lane.held = true;
    options.log.info("a program of an ended job has its terminal open: it is left to it", {
      job: runs.get(run)?.launch.id ?? run,
    });
    const rename = async () => {
      if (lane.pane !== null) await freeName(server, lane.pane, lane.replacedName("held"));
    };
    this.#warnOnFailure("rename a window", pool.making.run(rename));
    for (const waiting of lane.runs.filter(({ state }) => state === "waiting")) {
      this.#feeder.retry(waiting, lane, false).catch((error) =>
        options.log.warn("could not give a run to another terminal", { error: String(error) })
      );
    }
  }

  /** Asks which terminals are still needed, and closes those that are too many. */
  round(): void {
    const { options, pool } = this.#parts;
    const now = options.clock.now();
    if (now - this.#queriedAt < ASK_EVERY) return;
    this.#queriedAt = now;
    const held = [...pool.lanes.values()].filter((lane) => lane.held && lane.pane !== null && !lane.closing);
    held.sort((a, b) => a.usedAt - b.usedAt);
    for (const lane of held.splice(0, Math.max(0, held.length - MAX_HELD))) {
      options.log.warn(`closed a terminal that a program of an ended job had open: there are more than ${MAX_HELD}`);
      this.#close(lane);
    }
    for (const lane of held) lane.send(HELD).catch(() => {}); // the next round asks again
  }

  /** Handles the report that no program has the terminal of a lane open any more. */
  released(key: string): void {
    const lane = this.#parts.pool.lanes.get(key);
    if (!lane?.held) return;
    lane.held = false;
    // another one has replaced it
    if (lane.kept === null && lane.runs.length === 0) this.#close(lane);
  }

  #close(lane: Lane): void {
    this.#warnOnFailure("close a terminal", this.#parts.pool.retire(lane));
  }

  #warnOnFailure(what: string, work: Promise<void>): void {
    const reported = work.catch((error) => {
      this.#parts.options.log.warn(`could not ${what}`, { error: String(error) });
    }).finally(() => this.#pending.delete(reported));
    this.#pending.add(reported);
  }

  /** Resolves when no command of tmux is in progress. */
  async idle(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
