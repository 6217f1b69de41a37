import { inTime } from "../../../domain/in_time.ts";
import { poll } from "../../../domain/poll.ts";
import type { AttemptTerminals, Screen, Typed } from "../../../ports/attempt_terminals.ts";
import { type Command, GoneError, TmuxError } from "../server/clients.ts";
import type { TmuxOptions } from "../options.ts";
import { literal, word } from "../quoting.ts";
import type { Readiness } from "../lanes/readiness.ts";
import type { Run } from "../lanes/run.ts";
import { Screens } from "./screens.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** Limit of a survey that finds programs waiting for input, milliseconds. */
const SURVEY_LIMIT = 5000;
/** Maximum number of terminals per survey: a command line of tmux has a limit. */
const SURVEY_SIZE = 500;
/** Limit for the shell of a run to start when input is to be typed, and the pause between two checks, milliseconds. */
const SHELL_LIMIT = 1000, SHELL_EVERY = 10;
/** Bytes that the Enter key sends. */
const ENTER = Uint8Array.of(0x0d);
/** Pause before Enter, milliseconds: a program that reads it together with a text treats it as a part of that text. */
const ENTER_AFTER = 100;
/** Prefix of the names of our paste buffers. */
const BUFFER = "runner-typed";

interface Survey {
  readonly lanes: Set<string>;
  readonly over: PromiseWithResolvers<void>;
}

/** Serves requests of people for the terminals of runs: a run without requests costs nothing here. */
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
   * Writes bytes through a paste buffer, which tmux loads from a file and writes to the terminal. So no byte appears in
   * a command or acts as a key, not even while a person scrolls in the pane.
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
      await this.#readiness.enableInput(lane);
      if (this.#paneOf(name) !== pane) return false;
      // the run may leave some of it unread, and that must not reach the next run
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
   * Pastes a buffer. Without `-S` tmux from 3.7 on writes control bytes as `^[`; an older tmux refuses that flag before
   * it does anything.
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

  /** Waits until the shell of a run has started. Before that, its lane may clean the terminal and drop typed input. */
  async #shellOf(name: string): Promise<void> {
    const isThere = await this.#poll(async () => {
      const lane = this.#paneOf(name) === null ? null : this.#runs.get(name)?.lane;
      if (!lane) return true; // it is over
      return (await this.#options.files.readText(this.#spool.laneRoot(lane.key)))?.includes(` name=${name};`) === true;
    });
    if (!isThere) throw new Error("its shell has not come to life yet: try again");
  }

  #poll(check: () => Promise<boolean>): Promise<true | null> {
    return poll(check, { clock: this.#options.clock, everyMs: SHELL_EVERY, limitMs: SHELL_LIMIT });
  }

  async screen(name: string): Promise<Screen | null> {
    await this.#cleared(name);
    const pane = this.#paneOf(name);
    if (pane === null) return null;
    const screen = await this.#screens.capture(pane);
    // meanwhile another run may have begun in it
    return this.#paneOf(name) === pane ? screen : null;
  }

  /**
   * Waits until the terminal of a run shows nothing of the run before. The wait has a limit, as a log that cannot be
   * written never shows the mark.
   */
  async #cleared(name: string): Promise<void> {
    const run = this.#runs.get(name);
    if (!run || run.adopted || this.#seen.has(run)) return;
    await this.#shellOf(name);
    await this.#poll(async () => this.#paneOf(name) === null || await run.marked());
    this.#seen.add(run);
  }

  /** Returns the ids of session, window and pane, in the form that `TmuxViewer` accepts. */
  async locate(name: string): Promise<string | null> {
    const pane = this.#paneOf(name);
    if (pane === null) return null;
    const place = (await this.#query(["display-message", "-p", "-t", pane, "#{session_id} #{window_id} #{pane_id}"]))
      ?.[0];
    // when the pane is gone, tmux uses another one
    return place?.endsWith(` ${pane}`) ? place : null;
  }

  async reading(names: readonly string[]): Promise<ReadonlySet<string>> {
    const found: string[] = [];
    for (let at = 0; at < names.length; at += SURVEY_SIZE) {
      found.push(...await this.#reading(names.slice(at, at + SURVEY_SIZE)));
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
    this.#surveys.set(number, survey);
    try {
      const list = [...lanes].map(([key, { pid }]) => `${key}:${pid}`);
      await this.#server.shell(
        ["sh", this.#spool.scripts.reading, this.#spool.dir, number, ...list].map(word).join(" "),
      );
      await inTime(survey.over.promise, { clock: this.#options.clock, ms: SURVEY_LIMIT });
    } finally {
      this.#surveys.delete(number);
    }
    return [...survey.lanes].flatMap((key) => {
      const name = lanes.get(key)?.name;
      return name !== undefined && this.#paneOf(name) !== null ? [name] : [];
    });
  }

  /** Handles a line of the survey script: a lane, or `.` when all are checked. */
  saw(survey: string, lane: string): void {
    if (lane === ".") this.#surveys.get(survey)?.over.resolve();
    else this.#surveys.get(survey)?.lanes.add(lane);
  }

  /** Removes files that a crashed process left behind. */
  async begin(): Promise<void> {
    const { files } = this.#options;
    for (const { name } of await files.list(this.#spool.dir)) {
      if (name.startsWith(`${BUFFER}-`)) await files.remove(`${this.#spool.dir}/${name}`);
    }
  }

  /** Returns the pane of a run that is the current one of its lane. */
  #paneOf(name: string): string | null {
    const run = this.#runs.get(name);
    const runs = run?.state === "sent" || run?.state === "started";
    return runs && run.lane?.runs[0] === run ? run.lane.pane : null;
  }

  /** Runs commands for a pane or a buffer that may be gone; returns `null` when it is. */
  async #query(...commands: Command[]): Promise<readonly string[] | null> {
    try {
      return await this.#server.run(...commands);
    } catch (error) {
      if (error instanceof TmuxError || error instanceof GoneError) return null;
      throw error;
    }
  }
}

/** Returns whether bytes are text of several lines, without keys that only a terminal sends. */
function isLines(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  // deno-lint-ignore no-control-regex
  return /[\r\n][^\r\n]/.test(text) && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/.test(text);
}
