import type { FoundRun, Launch } from "../../ports/executor.ts";
import type { Endings, Verdict } from "./endings.ts";
import type { Journal } from "./journal.ts";
import type { Lane } from "./lane.ts";
import type { LanePool } from "./lane_pool.ts";
import type { TmuxOptions } from "./options.ts";
import type { Run } from "./run.ts";
import type { TmuxServer } from "./server.ts";
import type { Spool } from "./spool.ts";
import type { Stopper } from "./stopper.ts";

/** Parts of the executor that recovery works on. */
export interface RecoveryParts {
  readonly options: TmuxOptions;
  readonly server: TmuxServer;
  readonly spool: Spool;
  readonly pool: LanePool;
  readonly endings: Endings;
  readonly stopper: Stopper;
  /** Runs by name. */
  readonly runs: Map<string, Run>;
}

/** Takes up what earlier processes left: their panes, their runs, their files. */
export class Recovery {
  readonly #parts: RecoveryParts;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /**
   * Finds the lanes: those whose panes live, and the folders of the others. Asks each whether it has read what earlier processes
   * sent; until it has answered it gets nothing new.
   */
  async findLanes(epoch: string): Promise<void> {
    const { options, server, pool, spool } = this.#parts;
    const folders = (await options.files.list(spool.lanes)).filter((entry) => entry.isFolder).map((entry) =>
      entry.name
    );
    for (const pane of await server.panes()) {
      const [instance, key, ...place] = pane.mark.split(" ");
      if (instance !== options.instance) continue;
      if (folders.includes(key)) await (await pool.adopt(pane, key, place.join(" "))).send(`-${epoch}`);
      else await pool.kill(pane.id);
    }
    await this.#closeUnmarked();
    for (const key of folders) {
      if (!/^[0-9]+$/.test(key)) continue;
      const lane = pool.lanes.get(key) ?? await pool.openDead(key).catch(() => null); // no log: nothing ever ran in it
      if (lane === null) await options.files.remove(spool.laneFolder(key));
      else if (lane.pane !== null) {
        const { running } = await spool.readJournal(key);
        if (!lane.answered) lane.stranger = running; // else it has ended meanwhile
      }
    }
  }

  /** Panes that were made by a process which died before it could mark them. */
  async #closeUnmarked(): Promise<void> {
    const { server, spool, pool } = this.#parts;
    const known = new Set([...pool.lanes.values()].map((lane) => lane.pane));
    for (const line of await server.run(["list-panes", "-a", "-F", "#{pane_id} #{pane_start_command}"])) {
      const [id] = line.split(" ", 1);
      if (line.includes(`${spool.dir}/bin/lane-`) && !known.has(id)) await pool.kill(id);
    }
  }

  /** Answers what became of each run, and sets its end on the way when it has one. */
  async takeUp(launches: readonly Launch[], runOf: (launch: Launch) => Run): Promise<Map<string, FoundRun>> {
    const { runs, pool, spool } = this.#parts;
    // known first, read second: an end that comes in between is told by the pipe, and a second time is no harm
    const taken = launches.map(runOf);
    for (const run of taken) {
      run.adopted = true;
      run.mayBeStopped = true;
      runs.set(run.name, run);
    }
    const journals = new Map<Lane, Journal>();
    for (const lane of pool.lanes.values()) journals.set(lane, await spool.readJournal(lane.key));
    const found = new Map<string, FoundRun>();
    for (const run of taken) found.set(run.name, await this.#place(run, journals));
    await this.#clearStrangers(new Set(launches.map(({ run }) => run)));
    return found;
  }

  async #place(run: Run, journals: ReadonlyMap<Lane, Journal>): Promise<FoundRun> {
    const { runs } = this.#parts;
    if (run.state !== "waiting" || run.lane) return run.state === "ended" ? "ended" : "adopted";
    for (const [lane, journal] of journals) {
      const code = journal.ends.get(run.name);
      if (code !== undefined) return this.#end(run, lane, { code });
      // declined since its journal was read
      if (journal.running !== run.name || run.declined) continue;
      if (lane.pane === null) return await this.#lost(run, lane);
      return this.#adopt(run, lane);
    }
    // in no journal: no lane has begun it, and none will, as the number that it was given with has ended
    runs.delete(run.name);
    return "unlaunched";
  }

  #adopt(run: Run, lane: Lane): FoundRun {
    const { options, stopper } = this.#parts;
    lane.assign(run, options.clock.now());
    if (lane.stranger === run.name) lane.stranger = null;
    run.state = "started";
    lane.script = run.name;
    stopper.adopt(run);
    return "adopted";
  }

  #end(run: Run, lane: Lane, verdict: Verdict): FoundRun {
    lane.assign(run, this.#parts.options.clock.now());
    this.#parts.endings.settle(run, lane, verdict);
    return "ended";
  }

  async #lost(run: Run, lane: Lane): Promise<FoundRun> {
    const found = this.#end(run, lane, { why: "its terminal was closed while no runner was there" });
    await this.#parts.stopper.clear(run);
    return found;
  }

  /** Runs that nobody asked about: whoever keeps the record has given them up. */
  async #clearStrangers(asked: ReadonlySet<string>): Promise<void> {
    const { options, spool, pool, runs, stopper } = this.#parts;
    const running = new Set<string>();
    for (const lane of pool.lanes.values()) {
      if (lane.stranger === null || lane.pane === null) continue;
      running.add(lane.stranger);
      await stopper.stopStranger(lane.stranger, lane);
    }
    for (const { name } of await options.files.list(spool.jobs)) {
      const run = name.replace(/\.[a-z]+$/, "");
      if (!asked.has(run) && !runs.has(run) && !running.has(run)) await options.files.remove(`${spool.jobs}/${name}`);
    }
  }
}
