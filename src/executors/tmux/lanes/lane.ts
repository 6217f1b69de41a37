import { Mutex } from "../../../domain/mutex.ts";
import type { Files, Pipe } from "../../../ports/files.ts";
import type { LastRun } from "./journal.ts";
import { LaneLog } from "../output/lane_log.ts";
import type { Run } from "./run.ts";
import type { Spool } from "../spool.ts";

/**
 * Maximum pause between two short runs of a flood, milliseconds. Before a run, a lane that was not made ready drops
 * typed keys and resets its terminal, which needs three programs.
 */
export const FLOOD = 100;
/** Minimum time between two clean-ups in a flood, milliseconds: no person can aim keys at one of its runs. */
const CLEAN_EVERY = 5000;
/**
 * Maximum size of a log, bytes; at most a part of the limit of an output (log.sh). A larger one is emptied as soon as
 * it is no longer needed; until then its lane begins no run.
 */
const MAX_LOG = 4 << 20;

/** Files of a lane, and the limit of its output. */
export interface LaneFiles {
  readonly files: Files;
  readonly spool: Spool;
  /** Most bytes of its log, without those of earlier runs; 0: no limit. */
  readonly outputLimit: number;
}

/** One of our terminals: a pane whose process executes runs, one after the other. */
export class Lane {
  /** Its number; also the name of its folder. */
  readonly key: string;
  /** Canonical name of its target. */
  readonly target: string;
  /** Pane and process; `null` when they are gone. */
  pane: string | null = null;
  pid = 0;
  readonly log: LaneLog;
  /** Earliest position in the log at which the next run can begin. */
  position = 0;
  /** Runs that are assigned to it and have not ended. */
  readonly runs: Run[] = [];
  /** A run that an earlier process launched and that has no record any more; `null` when there is none. */
  unknownRun: string | null = null;
  /** Monotonic time at which that run was ordered to stop; `null` without an order. */
  unknownRunStoppedAt: number | null = null;
  /** It has replied to this process: it reads new input, and all input of earlier processes is behind it. */
  answered = false;
  /** Its last run, from its reply. */
  last: LastRun | null = null;
  /** Name of the run whose script is on disk; `null` when there is none any more. */
  script: string | null = null;
  /** Runs whose records may still be requested: until then log and journal stay. */
  readonly unforgotten = new Set<string>();
  /** Monotonic time at which it was connected, or a run was last assigned or released. */
  usedAt = 0;
  /** The last run left the terminal in another mode. */
  dirty = true;
  /** Its terminal was cleaned after its last run, and its input is disabled. */
  ready = false;
  /** tmux passes no keys to it; `null`: unknown. */
  inputDisabled: boolean | null = null;
  /**
   * Name of the run whose end it shows; `null` as a rule. A kept lane gets no more runs, so that a person may inspect
   * it.
   */
  kept: string | null = null;
  /** A program of an ended run still has its terminal open: it gets no more runs. */
  held = false;
  /** It gets no more runs. */
  closing = false;
  /** Its log misses output: it begins no run until the log is restored. */
  logBroken = false;
  /** Part of its output from a time without a runner is in no log. */
  cut = false;
  /** An earlier process gave its log another limit: the log begins anew before the next run. */
  outdated = false;
  #cleanedAt = -Infinity;
  #begunAt = -Infinity;
  #input: Pipe | null = null;
  /**
   * Reads of the log. During one it begins no run: how long its log is, and so whether that run could keep the first
   * half of its output, is not known.
   */
  readonly reads = new Mutex();
  readonly #maxLog: number;

  private constructor(key: string, target: string, { log, limit }: { log: LaneLog; limit: number }) {
    this.key = key;
    this.target = target;
    this.log = log;
    this.#maxLog = limit === 0 ? MAX_LOG : Math.min(MAX_LOG, limit / 32);
  }

  /** Opens the folder of a lane. */
  static async open(key: string, target: string, { files, spool, outputLimit: limit }: LaneFiles): Promise<Lane> {
    return new Lane(key, target, { log: await LaneLog.open(files, spool, key), limit });
  }

  /** Opens the folder of an existing lane, even when its log cannot be read. */
  static async reopen(key: string, target: string, parts: LaneFiles): Promise<Lane> {
    const { files, spool, outputLimit: limit } = parts;
    const unreadable = () => new Lane(key, target, { log: LaneLog.none(files, spool, key), limit });
    return await Lane.open(key, target, parts).catch(unreadable);
  }

  /** Whether its log can be read. */
  get hasLog(): boolean {
    return this.log.isThere;
  }

  /** Whether lines can be sent to it. */
  get hasInput(): boolean {
    return this.#input !== null;
  }

  /** Connects it with its pane. Without a pipe it continues its run, and is closed later, as it does not reply. */
  connect(pane: string, pid: number, input: Pipe | null, now: number): void {
    this.usedAt = now;
    this.pane = pane;
    this.pid = pid;
    this.#input = input;
  }

  /** Whether it would start a run at once. */
  get free(): boolean {
    return this.mayBegin && this.runs.length === 0 && this.unknownRun === null && this.kept === null &&
      !this.held && this.pane !== null;
  }

  /** Whether it may be sent a run when it has none. */
  get mayBegin(): boolean {
    return this.answered && !this.logBroken && !this.closing && !this.full;
  }

  /** Whether its log is to be emptied. */
  get full(): boolean {
    return this.outdated || this.position > this.#maxLog;
  }

  /** Whether its log and journal are no longer needed: its only runs are those that were not sent to it yet. */
  get settled(): boolean {
    return this.runs.every(({ state }) => state === "waiting") && this.unforgotten.size === this.runs.length &&
      this.unknownRun === null && this.reads.size === 0;
  }

  /** Returns the new name of its window when another lane replaces it. */
  replacedName(why: "kept" | "held"): string {
    const [, window] = this.target.split(".");
    return window === undefined ? `${why}-${this.key}` : `${window}-${why}-${this.key}`;
  }

  /** Adds a run to its list. */
  assign(run: Run, now: number): void {
    this.runs.push(run);
    this.unforgotten.add(run.name);
    this.usedAt = now;
    run.lane = this;
  }

  /** Returns whether the terminal must be cleaned before the next run. */
  mustClean(now: number): boolean {
    const flood = now - this.#begunAt < FLOOD && now - this.#cleanedAt < CLEAN_EVERY;
    const must = this.dirty || !this.ready && !flood;
    if (must || this.ready) this.#cleanedAt = now;
    this.#begunAt = now;
    this.dirty = this.ready = false;
    return must;
  }

  /** Sends a line into its pipe. */
  async send(line: string): Promise<void> {
    await this.#input?.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Removes a run from its list. */
  release(run: Run, now: number): void {
    const at = this.runs.indexOf(run);
    if (at !== -1) this.runs.splice(at, 1);
    this.usedAt = now;
  }

  /** Removes a run that it has not begun and will not begin: nothing of it is in log and journal. */
  drop(run: Run, now: number): void {
    this.release(run, now);
    this.unforgotten.delete(run.name);
  }

  /** Records how an earlier process left its log; it is idle. */
  async findLog({ files, spool, outputLimit }: LaneFiles): Promise<void> {
    // one that cannot be read counts as written under another limit: it begins anew
    this.position = Math.max(this.position, await this.log.size().catch(() => 0));
    const writer = await files.readText(spool.laneWriter(this.key)).catch(() => null);
    this.outdated = writer?.trim().split(" ")[1] !== String(outputLimit);
  }

  /** Disconnects it from its pane. */
  disconnect(): void {
    this.pane = null;
    this.answered = false;
    this.#input?.close();
    this.#input = null;
  }

  /** Closes its files; the pane keeps running. */
  async close(): Promise<void> {
    this.disconnect();
    await this.reads.idle();
    this.log.close();
  }
}
