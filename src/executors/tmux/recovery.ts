import type { FoundRun, Launch } from "../../ports/executor.ts";
import type { Endings, Verdict } from "./endings.ts";
import { type Journal, readJournal } from "./journal.ts";
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
  /** Runs whose markers this process holds, so that no lane can take them before they are launched again. */
  readonly held = new Set<string>();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** Finds the lanes: those whose panes live, and the folders of the others. */
  async findLanes(): Promise<void> {
    const { options, server, pool, spool } = this.#parts;
    const folders = (await options.files.list(spool.lanes)).filter((entry) => entry.isFolder).map((entry) =>
      entry.name
    );
    for (const pane of await server.panes()) {
      const [instance, key, ...place] = pane.mark.split(" ");
      if (instance !== options.instance) continue;
      if (folders.includes(key)) await pool.adopt(pane, key, place.join(" "));
      else await pool.kill(pane.id);
    }
    await this.#closeUnmarked();
    for (const key of folders) {
      if (!/^[0-9]+$/.test(key)) continue;
      const lane = pool.lanes.get(key) ?? await pool.openDead(key).catch(() => null); // no log: nothing ever ran in it
      if (lane === null) await options.files.remove(spool.laneFolder(key));
      else if (lane.pane !== null) lane.stranger = (await this.#journal(key)).running;
    }
  }

  /** Panes that were made by a process which died before it could mark them. */
  async #closeUnmarked(): Promise<void> {
    const { server, spool, pool } = this.#parts;
    const known = new Set([...pool.lanes.values()].map((lane) => lane.pane));
    for (const line of await server.command(`list-panes -a -F "#{pane_id} #{pane_start_command}"`)) {
      const [id] = line.split(" ", 1);
      if (line.includes(`${spool.dir}/bin/lane-`) && !known.has(id)) await pool.kill(id);
    }
  }

  /** Answers what became of each run, and sets its end on the way when it has one. */
  async takeUp(launches: readonly Launch[], runOf: (launch: Launch) => Run): Promise<Map<string, FoundRun>> {
    const { runs, pool } = this.#parts;
    // known first, read second: an end that comes in between is told by the pipe, and a second time is no harm
    for (const launch of launches) {
      const run = runOf(launch);
      run.adopted = true;
      run.mayBeStopped = true;
      runs.set(launch.run, run);
    }
    const journals = new Map<Lane, Journal>();
    for (const lane of pool.lanes.values()) journals.set(lane, await this.#journal(lane.key));
    const found = new Map<string, FoundRun>();
    for (const { run } of launches) found.set(run, await this.#place(runs.get(run)!, journals));
    await this.#clearStrangers(new Set(launches.map(({ run }) => run)));
    return found;
  }

  async #journal(key: string): Promise<Journal> {
    const { options, spool } = this.#parts;
    return readJournal(await options.files.readText(spool.journal(key)) ?? "");
  }

  async #place(run: Run, journals: ReadonlyMap<Lane, Journal>): Promise<FoundRun> {
    const { options, spool, stopper, runs, endings } = this.#parts;
    if (run.state !== "sent" || run.lane) return run.state === "ended" ? "ended" : "adopted";
    for (const [lane, journal] of journals) {
      const code = journal.ends.get(run.name);
      if (code !== undefined) return this.#end(run, lane, { code });
      if (journal.running !== run.name) continue;
      if (lane.pane === null) return await this.#lost(run, lane);
      return this.#adopt(run, lane);
    }
    if (await stopper.hold(run.name)) {
      runs.delete(run.name);
      this.held.add(run.name);
      return "unlaunched";
    }
    // taken, and not in a journal: the lane was just about to begin
    const key = (await options.files.readText(spool.marker(run.name)))?.split("\n")[0];
    const lane = [...journals.keys()].find((lane) => lane.key === key);
    if (lane && lane.pane !== null) return this.#adopt(run, lane);
    if (lane) return await this.#lost(run, lane);
    endings.refuse(run, { kind: "lost", why: "its terminal is gone, and so is what it wrote down" });
    return "ended";
  }

  #adopt(run: Run, lane: Lane): FoundRun {
    const { options, stopper } = this.#parts;
    lane.assign(run, options.clock.now());
    if (lane.stranger === run.name) lane.stranger = null;
    run.state = "started";
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
