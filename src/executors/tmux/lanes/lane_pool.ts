import { LaunchError } from "../../../domain/errors.ts";
import { DEFAULT_OUTPUT_LIMIT } from "../../../domain/limits.ts";
import { orAborted } from "../../../domain/or_aborted.ts";
import { messageOf } from "../../../domain/message_of.ts";
import { Mutex } from "../../../domain/mutex.ts";
import { inTime } from "../../../domain/in_time.ts";
import { TmuxError } from "../server/clients.ts";
import { Lane, type LaneFiles } from "./lane.ts";
import { closePane, makePane } from "../server/new_pane.ts";
import type { TmuxOptions } from "../options.ts";
import { timeless, word } from "../quoting.ts";
import type { ReportPipe } from "../endings/report_pipe.ts";
import type { Run } from "./run.ts";
import type { HostReply, Pane, TmuxServer } from "../server/server.ts";
import { nextNumber, type Spool } from "../spool.ts";
import { type Target, targetName } from "../target.ts";

/** Time for a new terminal until its lane reports ready, milliseconds. */
const READY_LIMIT = 10_000;
/** Maximum number of runs in the list of one lane. */
const MAX_WAITING = 64;
/** Defaults: number of lanes that may stay idle, and how long idle lanes above that number live, milliseconds. */
const IDLE_LANES = 16;
const IDLE_MS = 60_000;

/** What a `LanePool` works with. */
export interface LanePoolWork {
  readonly server: TmuxServer;
  readonly spool: Spool;
  /** Returns what is missing when the spool folder is no longer ours: its paths may be those of another runner. */
  readonly pipe: Pick<ReportPipe, "missing">;
  readonly host: Pick<HostReply, "nofile" | "laneShell">;
  /** Names of the folders of all existing lanes: the number of a new lane follows theirs. */
  readonly folders: readonly string[];
}

/** All terminals of this runner: finds, creates, replaces and closes them. */
export class LanePool {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #pipe: Pick<ReportPipe, "missing">;
  readonly #laneShell: string;
  /**
   * The maximum number of lanes for the file descriptors of the server: without free ones, it no longer responds to
   * clients.
   */
  readonly limit: number;
  readonly lanes = new Map<string, Lane>();
  readonly #waiting = new Map<string, () => void>();
  /** Lanes are created one after the other: the second one finds the session that the first has created. */
  readonly making = new Mutex();
  #next: number;
  /** Lanes that could not be closed. */
  readonly #unclosed = new Set<Lane>();
  #tidying: Promise<Lane[]> | null = null;
  #closed = false;

  constructor(options: TmuxOptions, { server, spool, pipe, host, folders }: LanePoolWork) {
    this.#options = options;
    this.#server = server;
    this.#spool = spool;
    this.#pipe = pipe;
    this.#laneShell = host.laneShell;
    this.limit = Math.max(1, Math.floor((host.nofile - 64) / 2));
    this.#next = nextNumber(folders, options.clock.random());
  }

  /** What the lanes are opened with. */
  get laneFiles(): LaneFiles {
    const { files, outputLimit = DEFAULT_OUTPUT_LIMIT } = this.#options;
    return { files, spool: this.#spool, outputLimit };
  }

  /** Records that a lane waits for runs. */
  ready(key: string): void {
    this.#waiting.get(key)?.();
  }

  /**
   * Assigns a run to a lane of a target, and creates the lane if there is none.
   *
   * @throws {LaunchError} No lane can be created.
   */
  async assign(run: Run, target: Target): Promise<Lane> {
    return this.#assign(run, target) ?? await this.making.run(async () => {
      const there = this.#assign(run, target); // created meanwhile
      return there ?? await this.#make(target, run);
    });
  }

  #assign(run: Run, target: Target): Lane | null {
    const name = targetName(target);
    const here = [...this.lanes.values()].filter((lane) =>
      lane.target === name && lane.pane !== null && lane.kept === null && !lane.held && !lane.closing
    );
    // prefers the most recently used of several free lanes: the others stay idle and can be closed
    const lane = target.window === null
      ? here.filter((lane) => lane.free && lane.reads.size === 0).sort((a, b) => b.usedAt - a.usedAt)[0]
      : here[0];
    if (!lane) return null;
    if (lane.runs.length >= MAX_WAITING) {
      throw new LaunchError(`Cannot launch job: ${MAX_WAITING} others wait for tmux.${name} already`);
    }
    lane.assign(run, this.#options.clock.now());
    return lane;
  }

  async #make(target: Target, run: Run): Promise<Lane> {
    const { files, clock } = this.#options;
    if (await this.#pipe.missing() !== null) throw thisHost("the spool folder was removed");
    await this.#room();
    const key = String(this.#next++);
    await files.makeFolder(this.#spool.laneFolder(key));
    // before the log: a lane with a log and without a journal counts as one that lost its journal
    await files.write(this.#spool.journal(key), "");
    await files.write(this.#spool.laneLog(key), "");
    // executable, as a payload may call itself again
    await files.write(this.#spool.laneScript(key), "", 0o700);
    const ready = Promise.withResolvers<void>();
    this.#waiting.set(key, ready.resolve);
    let pane: { id: string; pid: number } | null = null;
    try {
      pane = await makePane(this.#server, target, {
        // people see it: without the random part of the number
        name: `lane-${Number(key) % 1000}`,
        program: ["sh", this.#spool.scripts.lane, this.#spool.dir, key, this.#laneShell],
        pipe: this.#pipeOf(key),
        mark: `${this.#options.instance} ${key} ${targetName(target)}`,
      });
      const isReady = await inTime(orAborted(ready.promise, this.#server.closed), { clock, ms: READY_LIMIT });
      if (!isReady) throw thisHost("its new terminal did not come to life");
      return await this.#open(key, targetName(target), pane, run);
    } catch (error) {
      // if the pane lives, the next process adopts it and needs its folder
      if (pane === null || await this.#kill(pane.id)) await files.remove(this.#spool.laneFolder(key));
      if (error instanceof LaunchError) throw error;
      throw new LaunchError(`Cannot launch job: tmux cannot make its terminal: ${messageOf(error)}`, { cause: error });
    } finally {
      ready.resolve(); // so that nothing stays at the signal of the server
      this.#waiting.delete(key);
    }
  }

  /** Registers a new lane with `first`, the run that it was created for, as its first run. */
  async #open(key: string, target: string, pane: { id: string; pid: number }, first: Run): Promise<Lane> {
    const { files, clock } = this.#options;
    const lane = await Lane.open(key, target, this.laneFiles);
    lane.connect(pane.id, pane.pid, await files.openPipe(this.#spool.laneInput(key)), clock.now());
    lane.answered = true;
    lane.inputDisabled = false;
    lane.assign(first, clock.now());
    this.lanes.set(key, lane);
    return lane;
  }

  /** Adopts a lane that an earlier process created. Missing files of its folder cost its run no more than output. */
  async adopt(pane: Pane, key: string, target: string): Promise<Lane> {
    const { files, clock, log } = this.#options;
    const isNew = await files.create(this.#spool.laneLog(key), "").catch(() => false);
    const lane = await Lane.reopen(key, target, this.laneFiles);
    const input = lane.hasLog ? await files.openPipe(this.#spool.laneInput(key)).catch(() => null) : null;
    lane.connect(pane.id, pane.pid, input, clock.now());
    if (isNew || input === null) log.warn(`files of lane ${key} are missing or cannot be read`);
    this.lanes.set(key, lane);
    if (pane.kept !== "") lane.kept = pane.kept;
    lane.cut = isNew || !lane.hasLog || !pane.piped;
    if (lane.cut) await this.pipe(pane.id, key);
    return lane;
  }

  /** Opens the folder of a lane whose pane is gone, to read its log and journal; `null` when nothing ever ran in it. */
  async openDead(key: string): Promise<Lane | null> {
    const { files } = this.#options;
    const lane = await Lane.reopen(key, "", this.laneFiles);
    if (!lane.hasLog) {
      const left = [this.#spool.journal(key), this.#spool.laneRoot(key)].map((path) =>
        files.stat(path).then((stat) => stat !== null, () => true)
      );
      // the process that made the folder died before it made more
      if (!(await Promise.all(left)).includes(true)) return null;
    }
    this.lanes.set(key, lane);
    return lane;
  }

  /** Connects the output of a pane to its lane's log; the log goes on, or begins anew. */
  async pipe(pane: string, key: string, how: "" | "new" = ""): Promise<void> {
    await this.#server.run(["pipe-pane", "-t", pane, ...this.#pipeOf(key, how)]);
  }

  #pipeOf(key: string, how: "" | "new" = ""): string[] {
    const limit = String(this.laneFiles.outputLimit);
    return [
      "-O",
      timeless(["exec sh", word(this.#spool.scripts.log), word(this.#spool.dir), key, limit, how].join(" ")),
    ];
  }

  /** Closes a pane; does nothing when it is gone. */
  async kill(pane: string): Promise<void> {
    await this.#kill(pane);
  }

  /** Does the same as `kill`; returns `false` when the pane may still live, as the server did not respond. */
  async #kill(pane: string): Promise<boolean> {
    return await closePane(this.#server, pane).then(() => true, (error) => error instanceof TmuxError);
  }

  /** Closes an unused lane when there is no room for another one. */
  async #room(): Promise<void> {
    const living = [...this.lanes.values()].filter((lane) => lane.pane !== null);
    if (living.length < this.limit) return;
    const oldest = living.find((lane) => lane.kept !== null && !lane.closing) ?? this.#idle()[0] ??
      living.find((lane) => lane.held && !lane.closing);
    if (!oldest) {
      throw thisHost(`the limits of this host allow ${this.limit} terminals and all are busy; raise ulimit -n`);
    }
    await this.retire(oldest);
  }

  /** Returns the lanes that could be closed, the longest unused first. */
  #idle(): Lane[] {
    return [...this.lanes.values()].filter((lane) => lane.free).sort((a, b) => a.usedAt - b.usedAt);
  }

  /** Closes a lane that runs nothing. */
  async retire(lane: Lane): Promise<void> {
    this.#unclosed.delete(lane);
    if (lane.pane === null) return;
    lane.closing = true;
    if (await this.#kill(lane.pane)) lane.disconnect();
    else this.#unclosed.add(lane);
  }

  /**
   * Closes surplus idle lanes, empties long logs, and removes folders that are no longer needed. Returns the lanes that
   * may begin runs again.
   */
  tidy(): Promise<Lane[]> {
    return this.#tidying ??= this.#tidy().finally(() => this.#tidying = null);
  }

  async #tidy(): Promise<Lane[]> {
    for (const lane of [...this.#unclosed]) await this.retire(lane);
    const { idleLanes = IDLE_LANES, idleMs = IDLE_MS, clock } = this.#options;
    const idle = this.#idle();
    for (const lane of idle.slice(0, Math.max(0, idle.length - idleLanes))) {
      // with many short runs, most lanes are idle between two runs at any moment, and creating them anew would cost far
      // more
      if (clock.now() - lane.usedAt >= idleMs) await this.retire(lane);
    }
    const emptied: Lane[] = [];
    for (const lane of [...this.lanes.values()]) {
      if (lane.pane === null && lane.settled && lane.runs.length === 0) await this.#discard(lane);
      else if (await this.trim(lane)) emptied.push(lane);
    }
    return emptied;
  }

  /** Empties a long log that is no longer needed. Returns whether it did: the lane may begin runs again. */
  async trim(lane: Lane): Promise<boolean> {
    return lane.full && lane.settled && lane.pane !== null && await this.making.run(() => this.#empty(lane));
  }

  async #discard(lane: Lane): Promise<void> {
    // after `close` all lanes are disconnected but live
    if (this.#closed || !this.lanes.delete(lane.key)) return;
    await lane.close();
    await this.#options.files.remove(this.#spool.laneFolder(lane.key));
  }

  /** Empties log and journal. The lane and the log's writer append, so both continue at the start. */
  async #empty(lane: Lane): Promise<boolean> {
    if (!lane.full || !lane.settled || lane.closing || lane.pane === null) return false;
    // without its log it cannot be emptied: its runs go to another lane
    if (await this.#options.files.stat(this.#spool.laneLog(lane.key)) === null) {
      await this.kill(lane.pane);
      return false;
    }
    lane.closing = true; // no run begins meanwhile: `assign` waits for its turn
    try {
      const journal = this.#spool.journal(lane.key);
      // only its lane recreates a removed one
      if (await this.#options.files.stat(journal) !== null) await this.#options.files.empty(journal);
      if (!lane.outdated && !await lane.log.hasParts()) await this.#options.files.empty(this.#spool.laneLog(lane.key));
      else if (!await this.#renew(lane)) {
        await this.kill(lane.pane);
        return false;
      }
      lane.position = 0;
      lane.outdated = false;
    } finally {
      lane.closing = false;
    }
    return true;
  }

  /** Gives a lane another writer, which begins the log anew; returns `false` when it does not. */
  async #renew(lane: Lane): Promise<boolean> {
    const { clock } = this.#options;
    const since = clock.now();
    await this.pipe(lane.pane!, lane.key, "new");
    while (await lane.log.size() > 0 || await lane.log.hasParts()) {
      if (lane.pane === null || clock.now() - since > READY_LIMIT) return false;
      await clock.sleep(20);
    }
    return true;
  }

  /** Closes the lanes that run nothing, also held ones: no later process can find them. */
  async closeIdle(): Promise<void> {
    const held = [...this.lanes.values()].filter((lane) => lane.held && lane.runs.length === 0);
    await Promise.all([...this.#idle(), ...held].map((lane) => this.retire(lane)));
  }

  /** Disconnects all lanes at once; they keep running. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.lanes.values()) lane.disconnect();
    await this.making.idle();
    await Promise.all([...this.lanes.values()].map((lane) => lane.close()));
  }
}

/**
 * Returns a failure of this host, which is no fault of the job. An error with a cause puts the job back into the queue.
 */
function thisHost(why: string): LaunchError {
  return new LaunchError(`Cannot launch job: ${why}`, { cause: why });
}
