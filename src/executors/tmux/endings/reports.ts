import type { Hooks } from "./hooks.ts";
import { verdictOf } from "./endings.ts";
import type { Feeder } from "../lanes/feeder.ts";
import type { HeldPanes } from "../lanes/held_panes.ts";
import { readReport, type Report } from "../lanes/journal.ts";
import type { Lane } from "../lanes/lane.ts";
import type { Living } from "../lanes/living.ts";
import type { Readiness } from "../lanes/readiness.ts";
import type { EndingParts } from "./parts.ts";
import type { Recovery } from "./recovery.ts";
import type { Run } from "../lanes/run.ts";
import type { RunFiles } from "../lanes/run_files.ts";
import type { Terminals } from "../people/terminals.ts";
import type { Watch } from "./watch.ts";

/** Parts of the executor that handle reports. */
export interface ReportReaders extends EndingParts {
  readonly recovery: Recovery;
  readonly watch: Watch;
  readonly hooks: Hooks;
  readonly held: HeldPanes;
  readonly readiness: Readiness;
  readonly terminals: Terminals;
  readonly living: Living;
  readonly feeder: Feeder;
  readonly runFiles: RunFiles;
  /** Epoch of this process. */
  readonly epoch: string;
}

type Ready = Report & { readonly type: "ready" };
type Ended = Report & { readonly type: "ended" };
type Declined = Report & { readonly type: "declined" };

/** Why a run is given back when its lane could not record its start. */
const FULL = "its terminal cannot write its journal: the disk under the spool may be full";

/** Handles the lines of the pipe `done`. */
export class Reports {
  readonly #readers: ReportReaders;

  constructor(readers: ReportReaders) {
    this.#readers = readers;
  }

  /** Handles one line. */
  handle(line: string): void {
    const { readiness, hooks, terminals, living, held } = this.#readers;
    const report = readReport(line);
    switch (report?.type) {
      case "ready":
        return void this.#ready(report).catch((error) => this.#failed("could not read the log of a terminal", error));
      case "cleaned":
        return readiness.cleaned(report.lane);
      case "declined":
        return this.#declined(report);
      case "ended":
        return this.#ended(report);
      case "released":
        return held.released(report.lane);
      case "unlogged":
        return this.#unlogged(report.lane, report.failed);
      case "hook":
        return hooks.ended(report.run, report.code);
      case "reading":
        return terminals.saw(report.survey, report.lane);
      case "living":
        return living.said(report.question, report.run);
    }
  }

  /** Restores the log of a lane that lives before the lane begins its next run. */
  #unlogged(key: string, failed: boolean): void {
    const lane = this.#readers.pool.lanes.get(key);
    if (lane && failed) lane.logBroken = true;
    this.#readers.watch.check();
  }

  #ended(report: Ended): void {
    const { runs, pool, endings, recovery, readiness, feeder, held } = this.#readers;
    const run = runs.get(report.run);
    const lane = pool.lanes.get(report.lane);
    if (!run && !recovery.isDone) recovery.remember(report);
    if (!lane) return;
    if (report.held) held.hold(lane, report.run);
    if (run) {
      endings.settle(run, lane, { code: report.code, left: report.left });
      feeder.feed(lane);
      readiness.soon();
    } else if (lane.unknownRun === report.run) this.#unknownRunEnded(lane, report.run);
  }

  #unknownRunEnded(lane: Lane, run: string): void {
    const { options, recovery, runFiles } = this.#readers;
    lane.unknownRun = null;
    lane.usedAt = options.clock.now();
    // until recovery, a request for its end may still come
    if (recovery.isDone) {
      runFiles.removeAll(run).catch((error) => this.#failed("could not remove files of a run", error));
    }
  }

  /** Handles a reply of a lane. A lane that replies is idle: the run before has ended. */
  async #ready({ lane: key, asked, last, held: isHeld }: Ready): Promise<void> {
    const { pool, endings, epoch, feeder, runFiles, held } = this.#readers;
    if (asked === null) return pool.ready(key);
    const lane = pool.lanes.get(key);
    if (asked !== `-${epoch}` || !lane) return;
    await lane.findLog(pool.laneFiles);
    if (pool.lanes.get(key) !== lane || lane.pane === null) return; // it is gone meanwhile
    lane.answered = true;
    lane.last = last;
    if (isHeld) held.hold(lane, last?.run ?? "");
    lane.unknownRun = null;
    const [run] = lane.runs;
    if (run?.state === "started") endings.settle(run, lane, verdictOf(lane, run));
    if (lane.runs.length === 0) runFiles.wipe(lane).catch((error) => this.#failed("could not remove a script", error));
    feeder.feed(lane);
  }

  #declined(report: Declined): void {
    const { runs, pool, spool, recovery, feeder, epoch } = this.#readers;
    const run = runs.get(report.run);
    const lane = pool.lanes.get(report.lane);
    if (lane?.unknownRun === report.run) lane.unknownRun = null;
    if (!run && !recovery.isDone) recovery.remember(report);
    if (!run) return;
    const ours = report.epoch === epoch;
    // either recovery has not classified it yet, or this process has launched it anew
    if (!ours && !run.adopted) return;
    if (run.lane !== lane || !lane) {
      run.declined = !ours;
      return;
    }
    if (run.state === "ended") return;
    if (ours && report.full) return this.#giveBack(run, lane);
    run.adopted = false;
    run.state = "sent";
    // the file of this process's epoch was removed
    const kept = ours && !spool.isLost ? spool.keepEpoch(epoch) : Promise.resolve();
    kept.then(() => feeder.retry(run, lane)).catch((error) => this.#failed("could not launch a run anew", error));
  }

  /** Gives a run back: another attempt may find room on the disk, and so may another host. */
  #giveBack(run: Run, lane: Lane): void {
    const { endings, feeder } = this.#readers;
    // marks it as the longest unused, so that other lanes, whose journals may be sound, come before it
    lane.drop(run, 0);
    endings.refuse(run, run.order === null ? { kind: "unlaunched", why: FULL } : { kind: run.order.kind });
    feeder.feed(lane);
  }

  #failed(message: string, error: unknown): void {
    this.#readers.options.log.warn(message, { error: String(error) });
  }
}
