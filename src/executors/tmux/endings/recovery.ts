import type { FoundAttempt, Launch } from "../../../ports/executor.ts";
import { type Verdict, verdictOf } from "./endings.ts";
import type { EndingParts } from "./parts.ts";
import { unescaped } from "../server/foreign_lanes.ts";
import type { Journal, Report } from "../lanes/journal.ts";
import type { Lane } from "../lanes/lane.ts";
import type { Run } from "../lanes/run.ts";

/** A report about a run that was not requested yet. */
type Early = Report & { readonly type: "ended" | "declined" };

/** Adopts what earlier processes left: their panes, their runs, their files. */
export class Recovery {
  readonly #parts: EndingParts;
  readonly #early = new Map<string, Early>();
  /** The record of a terminal is gone: a run without any trace may have run in it. */
  #unknown = false;
  /** Runs of which part of the output is in no log. */
  readonly #cut = new Set<string>();
  /** Runs of earlier processes are adopted. Before that it is unknown which logs and journals are still needed. */
  isDone = false;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /**
   * Finds the lanes: those whose panes live, and the folders of the others. Asks each whether it has read what earlier
   * processes sent; it gets nothing new before it replies.
   */
  async findLanes(epoch: string): Promise<void> {
    const { options, server, pool, spool } = this.#parts;
    const folders = (await options.files.list(spool.lanes)).filter((entry) => entry.isFolder).map((entry) =>
      entry.name
    );
    for (const pane of await server.panes()) {
      const [instance, key, ...target] = pane.mark.split(" ");
      if (instance !== options.instance) continue;
      if (folders.includes(key)) await (await pool.adopt(pane, key, target.join(" "))).send(`-${epoch}`);
      else {
        this.#unknown = true;
        await pool.kill(pane.id);
      }
    }
    await this.#closeUnmarked();
    for (const key of folders) {
      if (!/^[0-9]+$/.test(key)) continue;
      const lane = pool.lanes.get(key) ?? await pool.openDead(key);
      if (lane === null) await options.files.remove(spool.laneFolder(key));
      else if (lane.pane !== null) {
        const { known, running } = await this.#read(lane);
        if (lane.cut && running !== null) this.#cut.add(running);
        if (!lane.answered) lane.unknownRun = running; // else it has ended meanwhile
        // neither its journal nor a reply would ever show that it is idle
        if (!known && !lane.hasInput) await pool.retire(lane);
      }
    }
  }

  /**
   * Closes panes of a process that died before it could mark them. A pane with a mark belongs to another instance: a
   * runner whose folder was removed may still wait for what runs in it.
   */
  async #closeUnmarked(): Promise<void> {
    const { server, spool, pool } = this.#parts;
    const known = new Set([...pool.lanes.values()].map((lane) => lane.pane));
    const format = "#{version} #{pane_id} <#{@runner_lane}> #{pane_start_command}";
    for (const line of await server.run(["list-panes", "-a", "-F", format])) {
      const [version, id, mark] = line.split(" ", 3);
      if (mark !== "<>" || known.has(id)) continue;
      if (unescaped(line, version).includes(`${spool.dir}/bin/lane-`)) await pool.kill(id);
    }
  }

  /** Returns the state of each run, and settles the end of those that have one. */
  async recover(launches: readonly Launch[], runOf: (launch: Launch) => Run): Promise<Map<string, FoundAttempt>> {
    const { runs, pool } = this.#parts;
    // registers runs before it reads journals: an end in between is reported by the pipe, and a second report does no
    // harm
    const taken = launches.map(runOf);
    for (const run of taken) {
      run.adopted = true;
      run.mayBeStopped = true;
      run.cut = this.#cut.has(run.name);
      runs.set(run.name, run);
    }
    const journals = new Map<Lane, Journal>();
    for (const lane of pool.lanes.values()) journals.set(lane, await this.#read(lane));
    if ([...journals.values()].some(({ known }) => !known)) this.#unknown = true;
    const found = new Map<string, FoundAttempt>();
    for (const run of taken) {
      const state = await this.#classify(run, journals);
      if (state !== null) found.set(run.name, state);
    }
    const missing = taken.filter((run) => !found.has(run.name));
    const living = missing.length > 0 ? await this.#parts.living.query() : null;
    for (const run of missing) found.set(run.name, this.#missing(run, living));
    await this.#clearUnknownRuns(new Set(launches.map(({ name: run }) => run)));
    this.#early.clear();
    this.isDone = true;
    return found;
  }

  /** Stores a report about a run that may be requested later. */
  remember(report: Early): void {
    this.#early.set(report.run, report);
  }

  /** Reads a lane's journal; without one, its last run is the one whose shell it started last. */
  async #read(lane: Lane): Promise<Journal> {
    const { spool } = this.#parts;
    const journal = await spool.readJournal(lane.key);
    return journal.known ? journal : { ...journal, running: await spool.lastStarted(lane.key) };
  }

  /** Finds the lane of a run, or its end; `null` when there is no trace of it. */
  async #classify(run: Run, journals: ReadonlyMap<Lane, Journal>): Promise<FoundAttempt | null> {
    if (isPlaced(run)) return run.state === "ended" ? "ended" : "adopted";
    const reported = this.#early.get(run.name);
    const source = reported?.type === "ended" && this.#parts.pool.lanes.get(reported.lane);
    if (source) return await this.#ended(run, source, { code: reported.code, left: reported.left });
    for (const [lane, journal] of journals) {
      const code = journal.ends.get(run.name);
      if (code !== undefined) return await this.#ended(run, lane, { code });
      if (journal.running !== run.name && lane.last?.run !== run.name) continue;
      // declined, perhaps since its journal was read
      if (run.declined || reported || lane.last?.run === run.name && lane.last.code === "declined") continue;
      if (lane.pane === null) return await this.#lost(run, lane);
      if (lane.answered) return this.#end(run, lane, verdictOf(lane, run));
      return this.#adopt(run, lane);
    }
    return null;
  }

  /**
   * Classifies a run in no journal: no lane has begun it, and none will, as its epoch has ended. Only if a journal was
   * lost, it may have run.
   */
  #missing(run: Run, living: ReadonlySet<string> | null): FoundAttempt {
    const { runs, endings } = this.#parts;
    if (isPlaced(run)) return run.state === "ended" ? "ended" : "adopted";
    if (living === null || living.has(run.name) || this.#unknown) {
      endings.refuse(run, { kind: "lost", why: "the record of its terminal is gone: it may have run" });
      return "ended";
    }
    runs.delete(run.name);
    return "unlaunched";
  }

  #adopt(run: Run, lane: Lane): FoundAttempt {
    const { options, stopper } = this.#parts;
    lane.assign(run, options.clock.now());
    if (lane.unknownRun === run.name) lane.unknownRun = null;
    run.state = "started";
    lane.script = run.name;
    stopper.adopt(run);
    return "adopted";
  }

  /** Settles a run that ended while no runner was there: its lane has written nothing since. */
  async #ended(run: Run, lane: Lane, verdict: Verdict): Promise<FoundAttempt> {
    const { options, spool } = this.#parts;
    const stat = await options.files.stat(spool.journal(lane.key)).catch(() => null);
    if (stat) run.endedAt = options.clock.now() - Math.max(0, stat.ageMs);
    return this.#end(run, lane, verdict);
  }

  #end(run: Run, lane: Lane, verdict: Verdict): FoundAttempt {
    lane.assign(run, this.#parts.options.clock.now());
    this.#parts.endings.settle(run, lane, verdict);
    return "ended";
  }

  async #lost(run: Run, lane: Lane): Promise<FoundAttempt> {
    const found = this.#end(run, lane, { why: "its terminal was closed while no runner was there" });
    await this.#parts.stopper.clear(run);
    return found;
  }

  /**
   * Stops runs that were not requested, as the attempt journal has no record of them any more, and removes their files.
   */
  async #clearUnknownRuns(asked: ReadonlySet<string>): Promise<void> {
    const { options, spool, pool, runs, stopper } = this.#parts;
    const running = new Set<string>();
    for (const lane of pool.lanes.values()) {
      if (lane.unknownRun === null || lane.pane === null) continue;
      running.add(lane.unknownRun);
      await stopper.stopUnknownRun(lane);
    }
    for (const { name } of await options.files.list(spool.jobs)) {
      const run = name.replace(/\.[a-z]+$/, "");
      if (!asked.has(run) && !runs.has(run) && !running.has(run)) await options.files.remove(`${spool.jobs}/${name}`);
    }
  }
}

/** Returns whether a run has a lane, or its end was reported meanwhile. */
function isPlaced(run: Run): boolean {
  return run.state !== "waiting" || run.lane !== null;
}
