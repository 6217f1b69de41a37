import type { AttemptTerminals, Screen, Typed } from "../../ports/attempt_terminals.ts";
import { type Command, GoneError, TmuxError } from "./clients.ts";
import type { TmuxOptions } from "./options.ts";
import { literal, word } from "./quoting.ts";
import type { Readiness } from "./readiness.ts";
import type { Run } from "./run.ts";
import { Screens } from "./screens.ts";
import type { TmuxServer } from "./server.ts";
import type { Spool } from "./spool.ts";

/** How long a look at what programs wait for may take, milliseconds. */
const LOOK_LIMIT = 5000;
/** Terminals that one look takes in: a command line of tmux has a limit. */
const LOOK_AT_ONCE = 500;
/**
 * How long the shell of a run may take to come to life when somebody types, and the pause between two looks,
 * milliseconds.
 */
const SHELL_LIMIT = 1000, SHELL_EVERY = 10;
/** What the Enter key sends. */
const ENTER = Uint8Array.of(0x0d);
/** Pause before Enter, milliseconds: a program that gets it in one read with a text takes it for a part of that. */
const ENTER_AFTER = 100;
/** What stands in front of the names of our paste buffers. */
const BUFFER = "runner-typed";

interface Survey {
  readonly lanes: Set<string>;
  readonly over: PromiseWithResolvers<void>;
}

/** What people want of the terminals of runs: nothing here is done for a run that nobody asks about. */
export class Terminals implements AttemptTerminals {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #readiness: Readiness;
  readonly #screens: Screens;
  readonly #runs: ReadonlyMap<string, Run>;
  readonly #surveys = new Map<string, Survey>();
  /** Runs whose terminals show nothing of an earlier one. */
  readonly #seen = new WeakSet<Run>();
  #count = 0;
  /** Flags with which `paste-buffer` changes nothing. */
  #asIs = ["-S"];

  constructor(
    options: TmuxOptions,
    parts: { server: TmuxServer; spool: Spool; readiness: Readiness; runs: ReadonlyMap<string, Run> },
  ) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#readiness = parts.readiness;
    this.#screens = new Screens(parts.server);
    this.#runs = parts.runs;
  }

  async type(name: string, { bytes, enter = false }: Typed): Promise<boolean> {
    if (this.#paneOf(name) === null) return false;
    if (bytes.length > 0 && !await this.#write(name, bytes)) return false;
    if (!enter) return true;
    if (bytes.length > 0) await this.#options.clock.sleep(ENTER_AFTER);
    return await this.#write(name, ENTER);
  }

  /**
   * By a paste buffer, which tmux loads from a file and writes to the terminal: no byte stands in a command or means a
   * key, not even while somebody scrolls in the pane.
   */
  async #write(name: string, bytes: Uint8Array): Promise<boolean> {
    const { files } = this.#options;
    const buffer = `${BUFFER}-${++this.#count}`;
    const path = `${this.#spool.dir}/${buffer}`;
    try {
      await files.write(path, bytes);
      await this.#shellOf(name);
      const pane = this.#paneOf(name);
      if (pane === null) return false;
      const lane = this.#runs.get(name)!.lane!;
      await this.#readiness.readReply(lane);
      if (this.#paneOf(name) !== pane) return false;
      // it may leave some of it unread, and that is not for the next run
      lane.dirty = true;
      const bracket = isLines(bytes) ? ["-p"] : [];
      const load = ["load-buffer", "-b", buffer, literal(path)];
      const sent = await this.#paste(load, [...bracket, "-b", buffer, "-t", pane]);
      if (!sent) await this.#query(["delete-buffer", "-b", buffer]);
      return sent;
    } finally {
      await files.remove(path);
    }
  }

  /**
   * tmux from 3.7 on writes control bytes as `^[` without `-S`; an older one refuses that flag, before it does
   * anything.
   */
  async #paste(load: Command, how: readonly string[]): Promise<boolean> {
    const paste = () => ["paste-buffer", ...this.#asIs, "-d", "-r", ...how];
    try {
      await this.#server.run(load, paste());
      return true;
    } catch (error) {
      if (error instanceof GoneError) return false;
      if (!(error instanceof TmuxError)) throw error;
      if (this.#asIs.length === 0 || !/unknown (flag|option)|usage: /.test(error.message)) return false;
      this.#asIs = [];
      return await this.#query(load, paste()) !== null;
    }
  }

  /** Waits until the shell of a run is there. Its lane may clean the terminal before, and drops what was typed. */
  async #shellOf(name: string): Promise<void> {
    const { files, clock } = this.#options;
    const limit = clock.now() + SHELL_LIMIT;
    for (let lane; this.#paneOf(name) !== null && (lane = this.#runs.get(name)?.lane);) {
      if ((await files.readText(this.#spool.laneRoot(lane.key)))?.includes(` name=${name};`)) return;
      if (clock.now() > limit) throw new Error("its shell has not come to life yet: try again");
      await clock.sleep(SHELL_EVERY);
    }
  }

  async screen(name: string): Promise<Screen | null> {
    await this.#cleared(name);
    const pane = this.#paneOf(name);
    if (pane === null) return null;
    const screen = await this.#screens.capture(pane);
    // between question and answer another run may have begun in it
    return this.#paneOf(name) === pane ? screen : null;
  }

  /**
   * Waits until the terminal of a run shows nothing of the one before. A log that cannot be written does not say so.
   */
  async #cleared(name: string): Promise<void> {
    const { clock } = this.#options;
    const run = this.#runs.get(name);
    if (!run || run.adopted || this.#seen.has(run)) return;
    await this.#shellOf(name);
    const limit = clock.now() + SHELL_LIMIT;
    while (this.#paneOf(name) !== null && !await run.marked() && clock.now() < limit) await clock.sleep(SHELL_EVERY);
    this.#seen.add(run);
  }

  /** Ids of session, window and pane, as `TmuxViewer` takes them. */
  async locate(name: string): Promise<string | null> {
    const pane = this.#paneOf(name);
    if (pane === null) return null;
    const place = (await this.#query(["display-message", "-p", "-t", pane, "#{session_id} #{window_id} #{pane_id}"]))
      ?.[0];
    // of a pane that is gone tmux takes another one
    return place?.endsWith(` ${pane}`) ? place : null;
  }

  async reading(names: readonly string[]): Promise<ReadonlySet<string>> {
    const found: string[] = [];
    for (let at = 0; at < names.length; at += LOOK_AT_ONCE) {
      found.push(...await this.#reading(names.slice(at, at + LOOK_AT_ONCE)));
    }
    return new Set(found);
  }

  async #reading(names: readonly string[]): Promise<string[]> {
    const lanes = new Map(names.flatMap((name) => {
      const lane = this.#paneOf(name) === null ? null : this.#runs.get(name)!.lane;
      return lane ? [[lane.key, { name, pid: lane.pid }] as const] : [];
    }));
    if (lanes.size === 0) return [];
    const number = String(++this.#count);
    const survey: Survey = { lanes: new Set(), over: Promise.withResolvers() };
    const late = new AbortController();
    this.#surveys.set(number, survey);
    try {
      const list = [...lanes].map(([key, { pid }]) => `${key}:${pid}`);
      await this.#server.shell(["sh", this.#spool.reading, this.#spool.dir, number, ...list].map(word).join(" "));
      const limit = this.#options.clock.sleep(LOOK_LIMIT, late.signal);
      await Promise.race([survey.over.promise, limit]);
    } finally {
      late.abort();
      this.#surveys.delete(number);
    }
    return [...survey.lanes].flatMap((key) => {
      const name = lanes.get(key)?.name;
      return name !== undefined && this.#paneOf(name) !== null ? [name] : [];
    });
  }

  /** A line of the script that looks: a lane, or `.` when it has looked at all. */
  saw(survey: string, lane: string): void {
    if (lane === ".") this.#surveys.get(survey)?.over.resolve();
    else this.#surveys.get(survey)?.lanes.add(lane);
  }

  /** Removes what a process that died left behind. */
  async begin(): Promise<void> {
    const { files } = this.#options;
    for (const { name } of await files.list(this.#spool.dir)) {
      if (name.startsWith(`${BUFFER}-`)) await files.remove(`${this.#spool.dir}/${name}`);
    }
  }

  /** The pane in which a run is the one that runs now. */
  #paneOf(name: string): string | null {
    const run = this.#runs.get(name);
    const runs = run?.state === "sent" || run?.state === "started";
    return runs && run.lane?.runs[0] === run ? run.lane.pane : null;
  }

  /** Commands about a pane or a buffer that may be gone. */
  async #query(...commands: Command[]): Promise<readonly string[] | null> {
    try {
      return await this.#server.run(...commands);
    } catch (error) {
      if (error instanceof TmuxError || error instanceof GoneError) return null;
      throw error;
    }
  }
}

/** Whether bytes are text of several lines, and no keys that only a terminal sends. */
function isLines(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  // deno-lint-ignore no-control-regex
  return /[\r\n][^\r\n]/.test(text) && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/.test(text);
}
