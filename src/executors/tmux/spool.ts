import type { Files } from "../../ports/files.ts";
import { type Journal, NO_JOURNAL, readJournal } from "./journal.ts";
import type { TmuxOptions } from "./options.ts";
import deadlineScript from "./deadline.sh" with { type: "text" };
import hookScript from "./hook.sh" with { type: "text" };
import inheritedScript from "./inherited.sh" with { type: "text" };
import killScript from "./kill.sh" with { type: "text" };
import laneScript from "./lane.sh" with { type: "text" };
import livingScript from "./living.sh" with { type: "text" };
import logScript from "./log.sh" with { type: "text" };
import readingScript from "./reading.sh" with { type: "text" };
import shellScript from "./shell.sh" with { type: "text" };
import setupScript from "./setup.sh" with { type: "text" };
import socketScript from "./socket.sh" with { type: "text" };

/** What a `Spool` needs; the clock's chance only when it makes something. */
type SpoolOptions = Pick<TmuxOptions, "spool" | "files" | "digestOf"> & Partial<Pick<TmuxOptions, "clock">>;

/** Where everything of the executor lies on disk. RUN is the name of a run, K the number of a lane. */
export class Spool {
  readonly dir: string;
  readonly #files: Files;
  readonly #digestOf: (text: string) => string;
  readonly #random: () => number;
  /**
   * The folder is no longer the one that this process made or found: what its paths lead to says nothing about our
   * runs.
   */
  isLost = false;
  /** Programs, each named after its content: an update never changes one that a shell is reading. */
  lane = "";
  kill = "";
  deadline = "";
  log = "";
  hookProgram = "";
  inherited = "";
  reading = "";
  living = "";
  setup = "";
  socket = "";
  shell = "";

  constructor({ spool, files, digestOf, clock }: SpoolOptions) {
    this.dir = spool;
    this.#files = files;
    this.#digestOf = digestOf;
    this.#random = () => clock?.random() ?? 0;
  }

  /** Makes folders and scripts. */
  async make(): Promise<void> {
    for (const folder of ["bin", "jobs", "out", "kept", "lanes", "epochs"]) {
      await this.#files.makeFolder(`${this.dir}/${folder}`);
    }
    this.lane = await this.#program("lane", laneScript);
    this.kill = await this.#program("kill", killScript);
    this.deadline = await this.#program("deadline", deadlineScript);
    this.log = await this.#program("log", logScript);
    this.hookProgram = await this.#program("hook", hookScript);
    this.inherited = await this.#program("inherited", inheritedScript);
    this.reading = await this.#program("reading", readingScript);
    this.living = await this.#program("living", livingScript);
    this.setup = await this.#program("setup", setupScript);
    this.shell = await this.#program("shell", shellScript);
    this.socket = await this.#program("socket", socketScript);
  }

  async #program(name: string, text: string): Promise<string> {
    const path = `${this.dir}/bin/${name}-${this.#digestOf(text).slice(0, 16)}.sh`;
    if (await this.#files.readText(path) !== text) await this.#files.replace(path, text);
    return path;
  }

  /** The payload of a run that names its interpreter. */
  program = (run: string) => `${this.dir}/jobs/${run}.bin`;
  /** Why the run is being stopped, and the process that stops it. */
  stop = (run: string) => `${this.dir}/jobs/${run}.stop`;
  /** There when the run could not enter its working directory. */
  outside = (run: string) => `${this.dir}/jobs/${run}.outside`;
  /** What the run wrote, when it wrote anything and its result holds all of it. */
  output = (run: string) => `${this.dir}/out/${run}`;
  /** What the run wrote, when its result does not hold all of it. */
  keptOutput = (run: string) => `${this.dir}/kept/${run}`;
  /** Stands beside an output whose end was not captured. */
  cut = (run: string) => `${this.dir}/kept/${run}.cut`;
  /** The script of a hook: gone when it runs. */
  hook = (name: string) => `${this.hooks}/${name}.sh`;
  get hooks(): string {
    return `${this.dir}/hooks`;
  }
  /** Pipe from all lanes to the runner. */
  get done(): string {
    return `${this.dir}/done`;
  }
  /** Secret in the marks. */
  get secret(): string {
    return `${this.dir}/secret`;
  }
  /**
   * One file, named after the number of the runner's process: what it gives to lanes counts as long as the file is
   * there.
   */
  get epochs(): string {
    return `${this.dir}/epochs`;
  }
  get jobs(): string {
    return `${this.dir}/jobs`;
  }
  get outputs(): string {
    return `${this.dir}/out`;
  }
  get keptOutputs(): string {
    return `${this.dir}/kept`;
  }
  get lanes(): string {
    return `${this.dir}/lanes`;
  }
  laneFolder = (lane: string) => `${this.dir}/lanes/${lane}`;
  /** Pipe from the runner to the lane. */
  laneInput = (lane: string) => `${this.dir}/lanes/${lane}/in`;
  /** The script of the run that the lane was given last. */
  laneScript = (lane: string) => `${this.dir}/lanes/${lane}/run`;
  /** The process id of the shell that the lane has started last, and the name of its run. */
  laneRoot = (lane: string) => `${this.dir}/lanes/${lane}/root`;
  /** What the lane's terminal wrote. */
  laneLog = (lane: string) => `${this.dir}/lanes/${lane}/log`;
  /** Starts and ends, records of one length. */
  journal = (lane: string) => `${this.dir}/lanes/${lane}/journal`;

  /** What a lane has written into its journal; not known when that was removed or the disk does not give it back. */
  async readJournal(lane: string): Promise<Journal> {
    const text = await this.#files.readText(this.journal(lane)).catch(() => null);
    return text === null ? NO_JOURNAL : readJournal(text);
  }

  /** The run whose shell a lane has started last; `null` when that is not known. */
  async lastStarted(lane: string): Promise<string | null> {
    const text = await this.#files.readText(this.laneRoot(lane)).catch(() => null);
    return text?.match(/ name=([0-9a-f.]+);/)?.[1] ?? null;
  }

  /**
   * Ends the numbers of earlier processes, and answers one for this one. From now on no lane begins what they gave to
   * it, unless its journal says so already.
   */
  async newEpoch(): Promise<string> {
    const old = (await this.#files.list(this.epochs)).map((entry) => entry.name);
    const epoch = String(nextNumber(old, this.#random()));
    await this.keepEpoch(epoch); // first: a number must never come again
    for (const name of old) await this.#files.remove(`${this.epochs}/${name}`);
    return epoch;
  }

  /** Makes sure that a number counts. */
  async keepEpoch(epoch: string): Promise<void> {
    await this.#files.write(`${this.epochs}/${epoch}`, "");
  }
}

/**
 * The number after the highest one. The first is drawn: after a folder was removed, the runner that still waits for its
 * jobs and the one that began with a new folder must never mean different things by one path.
 *
 * @param random From 0 up to 1.
 */
export function nextNumber(names: readonly string[], random: number): number {
  const highest = Math.max(0, ...names.map(Number).filter(Number.isInteger));
  return highest === 0 ? 1000 * Math.floor(1e6 * random) + 1 : highest + 1;
}
