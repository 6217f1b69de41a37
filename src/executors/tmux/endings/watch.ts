import type { Channel } from "../../../domain/channel.ts";
import { TmuxError } from "../server/clients.ts";
import type { Feeder } from "../lanes/feeder.ts";
import type { HeldPanes } from "../lanes/held_panes.ts";
import type { Lane } from "../lanes/lane.ts";
import type { EndingParts } from "./parts.ts";
import type { Recovery } from "./recovery.ts";

/** Pause between two rounds, milliseconds. */
const EVERY = 1000;
/** Limit for a lane to begin a run that it was sent, milliseconds. */
const START_LIMIT = 10_000;

/** What a `Watch` works with. */
export interface WatchParts extends EndingParts {
  readonly recovery: Pick<Recovery, "isDone">;
  readonly feeder: Feeder;
  readonly held: Pick<HeldPanes, "round">;
  /** Requests for a check of the panes, by rooms that were made before this one. */
  readonly checks: Channel<void>;
}

/** Supervises lanes and runs: settles the runs of panes that vanished without a report. */
export class Watch {
  readonly #parts: WatchParts;
  #timer: ReturnType<typeof setInterval> | undefined;
  #sweeping: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  /** Lanes whose panes are gone, and whose runs are not settled yet. */
  readonly #gone = new Set<Lane>();
  /** Lanes that are being checked. */
  readonly #checking = new Set<Lane>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#round(), EVERY);
    void this.#serve();
  }

  async #serve(): Promise<void> {
    for await (const _ of this.#parts.checks) this.check();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#parts.checks.close();
    this.#parts.living.close();
    await this.#sweeping?.catch(() => {});
  }

  /** Checks the panes soon, as something may have happened to them. */
  check(): void {
    this.sweep().catch((error) => {
      // without tmux there is nothing to check; the next round tries again
      this.#failed("look at the panes", error);
      this.#again = true;
    });
  }

  /** Checks all panes once. A request during a check starts another one after it. */
  sweep(): Promise<void> {
    this.#again = true;
    this.#sweeping ??= this.#sweep().finally(() => this.#sweeping = null);
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { server, pool } = this.#parts;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      // the lanes from before the request to tmux
      const lanes = [...pool.lanes.values()].filter((lane) => lane.pane !== null);
      const panes = new Map(lanes.length === 0 ? [] : (await server.panes()).map((pane) => [pane.id, pane]));
      for (const lane of lanes) {
        if (lane.pane === null) continue;
        const pane = panes.get(lane.pane);
        if (!pane || pane.pid !== lane.pid) this.#lose(lane);
        else if (!pane.piped || lane.logBroken) await this.#pipe(lane);
      }
      await this.#settleGone();
    }
  }

  /** Records that the pane of a lane is gone. */
  #lose(lane: Lane): void {
    lane.disconnect();
    lane.unknownRun = null;
    this.#gone.add(lane);
  }

  /**
   * Settles the runs of lanes that are gone. Their journals are complete as soon as the processes of the lanes are
   * gone.
   */
  async #settleGone(): Promise<void> {
    const reported = [...this.#gone].filter(({ runs }) => runs.some(({ state }) => state !== "waiting"));
    const living = reported.length > 0 ? await this.#parts.living.query(reported) : null;
    if (this.#stopped) return;
    for (const lane of [...this.#gone]) {
      // a run that came in between is settled in the next round
      if (lane.runs.some(({ state }) => state !== "waiting") && !reported.includes(lane)) continue;
      this.#gone.delete(lane);
      await this.#died(lane, living);
    }
  }

  /**
   * Restores the log of a terminal whose writer has ended: a full disk, or a stray kill. tmux notices that only at its
   * next write.
   */
  async #pipe(lane: Lane): Promise<void> {
    for (const run of lane.runs) if (run.state !== "waiting") run.cut = true;
    try {
      await this.#parts.pool.pipe(lane.pane!, lane.key);
    } catch (error) {
      if (!(error instanceof TmuxError)) throw error;
      return; // the pane has just gone, or the next check tries again
    }
    this.#parts.options.log.warn("restored the log of a terminal");
    lane.logBroken = false;
    this.#parts.feeder.feed(lane);
  }

  /** Reports the ends of the runs of a lane that is gone, and gives the runs that it has not begun to other lanes. */
  async #died(lane: Lane, living: ReadonlySet<string> | null): Promise<void> {
    const { spool, endings, stopper, feeder } = this.#parts;
    const journal = await spool.readJournal(lane.key);
    for (const run of [...lane.runs]) {
      const code = journal.ends.get(run.name);
      const written = journal.running === run.name || !journal.known;
      const begun = run.state === "started" || written || (living?.has(run.name) ?? true);
      if (code !== undefined) void endings.settle(run, lane, { code });
      else if (run.state === "waiting" || !begun && !await run.marked()) await feeder.retry(run, lane);
      else {
        const gone = journal.known ? "while it ran" : "and its journal is gone";
        void endings.settle(run, lane, { why: `its terminal was closed ${gone}` });
        await stopper.clear(run);
      }
    }
  }

  #round(): void {
    const { pool, runs, stopper, recovery, feeder, held } = this.#parts;
    stopper.round(runs.values(), pool.lanes.values());
    for (const lane of pool.lanes.values()) {
      if (this.#checking.has(lane)) continue;
      this.#checking.add(lane);
      this.#checkStart(lane).catch((error) => this.#failed("check a start", error))
        .finally(() => this.#checking.delete(lane));
    }
    if (this.#again || this.#gone.size > 0) this.check();
    held.round();
    if (!recovery.isDone) return;
    pool.tidy().then((emptied) => emptied.forEach((lane) => feeder.feed(lane)))
      .catch((error) => this.#failed("tidy up", error));
  }

  /** Closes a terminal that does not begin its run, or does not reply although it has none. */
  async #checkStart(lane: Lane): Promise<void> {
    const { options, pool, stopper, living, spool } = this.#parts;
    if (lane.pane === null || spool.isLost) return;
    const [run] = lane.runs;
    const late = (since: number) => options.clock.now() - since >= START_LIMIT;
    if (!lane.answered && (run?.state ?? "waiting") === "waiting" && lane.unknownRun === null && late(lane.usedAt)) {
      await pool.kill(lane.pane);
      return this.check();
    }
    if (run?.state !== "sent" || run.firstAt === null || !late(run.firstAt)) return;
    if (await stopper.begun(run)) return;
    // without a journal only its processes show that it has begun
    const begun = (await living.query())?.has(run.name);
    if (run !== lane.runs[0] || lane.pane === null || run.state !== "sent") return;
    if (begun) return void (run.state = "started");
    options.log.warn("closed a terminal that did not start a run", { job: run.launch.id });
    await pool.kill(lane.pane);
    this.check();
  }

  #failed(what: string, error: unknown): void {
    this.#parts.options.log.warn(`could not ${what}`, { error: String(error) });
  }
}
