import type { Files, OpenFile, Pipe } from "../../ports/files.ts";
import type { LastRun } from "./journal.ts";
import type { Run } from "./run.ts";
import type { Spool } from "./spool.ts";

/**
 * Before a run, a lane that was not made ready drops typed keys and resets its terminal, which takes three programs. In
 * a flood of short runs, each less than so many milliseconds after the one before ...
 */
export const FLOOD = 100;
/** ... nobody can aim keys at one of them: there it is done only so often, milliseconds. */
const CLEAN_EVERY = 5000;
/** A log that is larger than this, bytes, is emptied as soon as nobody needs it; until then its lane begins no run. */
const MAX_LOG = 4 << 20;

/** What is read of a log that cannot be opened. */
const NO_LOG: OpenFile = {
  read: () => Promise.resolve(0),
  append: () => Promise.resolve(),
  size: () => Promise.resolve(0),
  close: () => {},
};

/** One of our terminals: a pane whose process takes runs, one after the other. */
export class Lane {
  /** Its number; also the name of its folder. */
  readonly key: string;
  /** Name of the place where it is. */
  readonly place: string;
  /** Pane and process; `null` when they are gone. */
  pane: string | null = null;
  pid = 0;
  readonly log: OpenFile;
  /** Where in the log the next run begins, at the earliest. */
  position = 0;
  /** Runs that it has been given and that have not ended. */
  readonly runs: Run[] = [];
  /** A run that an earlier process launched and nobody knows any more; `null` when there is none. */
  unknownRun: string | null = null;
  /** Monotonic time at which that run was ordered to end; `null` when it was not. */
  unknownRunStoppedAt: number | null = null;
  /** It reads what this process sends, and nothing of an earlier one is before that. */
  answered = false;
  /** Its last run, as it said when it answered. */
  last: LastRun | null = null;
  /** Name of the run whose script it has; `null` when it has none any more. */
  script: string | null = null;
  /** Runs whose records may still be asked for: until then log and journal stay. */
  readonly unforgotten = new Set<string>();
  /** Monotonic time at which it was connected, or last given or rid of a run. */
  usedAt = 0;
  /** The last run left the terminal in another mode. */
  dirty = true;
  /** Its terminal has been cleaned since its last run, and has got no keys. */
  ready = false;
  /** tmux gives it no keys; `null`: that is not known. */
  inputDisabled: boolean | null = null;
  /** Name of the run whose end it shows: no more runs for it, so that a person may look; `null` as a rule. */
  kept: string | null = null;
  /** A program of an ended run still has its terminal open: no more runs for it. */
  held = false;
  /** No more runs for it. */
  closing = false;
  /** Its log did not get what it should: it begins no run until that is mended. */
  logBroken = false;
  /** Part of what it wrote while no runner was there is in no log. */
  cut = false;
  #cleanedAt = -Infinity;
  #begunAt = -Infinity;
  #input: Pipe | null = null;
  /** Reads of the log, one after the other. */
  #reading: Promise<unknown> = Promise.resolve();
  #reads = 0;

  private constructor(key: string, place: string, log: OpenFile) {
    this.key = key;
    this.place = place;
    this.log = log;
  }

  /** Opens the folder of a lane. */
  static async open(key: string, place: string, { files, spool }: { files: Files; spool: Spool }): Promise<Lane> {
    return new Lane(key, place, await files.open(spool.laneLog(key), "read"));
  }

  /** Opens the folder of a lane that was there before, also when its log cannot be read. */
  static async reopen(key: string, place: string, parts: { files: Files; spool: Spool }): Promise<Lane> {
    return await Lane.open(key, place, parts).catch(() => new Lane(key, place, NO_LOG));
  }

  /** Its log can be read. */
  get hasLog(): boolean {
    return this.log !== NO_LOG;
  }

  /** It can be sent lines. */
  get hasInput(): boolean {
    return this.#input !== null;
  }

  /** Connects it with its pane; without a pipe it goes on with its run, and is closed later, as it does not answer. */
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

  /** Whether it may be told to begin a run when it has none. */
  get mayBegin(): boolean {
    return this.answered && !this.logBroken && !this.closing && !this.full;
  }

  /** Its log is to be emptied. */
  get full(): boolean {
    return this.position > MAX_LOG;
  }

  /** Whether nobody needs its log and journal as they are: there are no runs but those that it has not been told of. */
  get settled(): boolean {
    return this.runs.every(({ state }) => state === "waiting") && this.unforgotten.size === this.runs.length &&
      this.unknownRun === null && this.#reads === 0;
  }

  /** Name of its window when another one takes its place. */
  setAside(why: "kept" | "held"): string {
    const [, window] = this.place.split(".");
    return window === undefined ? `${why}-${this.key}` : `${window}-${why}-${this.key}`;
  }

  /** Puts a run on its list. */
  assign(run: Run, now: number): void {
    this.runs.push(run);
    this.unforgotten.add(run.name);
    this.usedAt = now;
    run.lane = this;
  }

  /** Whether the terminal must be cleaned before the run that comes now. */
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

  /** Takes a run off its list. */
  release(run: Run, now: number): void {
    const at = this.runs.indexOf(run);
    if (at !== -1) this.runs.splice(at, 1);
    this.usedAt = now;
  }

  /** Does a piece of work on the log when those before it are done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#reads++;
    const mine = this.#reading.then(work).finally(() => this.#reads--);
    this.#reading = mine.catch(() => {});
    return mine;
  }

  /** The pane is gone. */
  disconnect(): void {
    this.pane = null;
    this.answered = false;
    this.#input?.close();
    this.#input = null;
  }

  /** Closes its files; the pane goes on. */
  async close(): Promise<void> {
    this.disconnect();
    await this.#reading;
    this.log.close();
  }
}
