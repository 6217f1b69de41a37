import type { Files } from "../../ports/files.ts";
import { type Journal, NO_JOURNAL, readJournal } from "./lanes/journal.ts";
import type { TmuxOptions } from "./options.ts";
import deadlineScript from "./endings/deadline.sh" with { type: "text" };
import hookScript from "./endings/hook.sh" with { type: "text" };
import inheritedScript from "./server/inherited.sh" with { type: "text" };
import killScript from "./endings/kill.sh" with { type: "text" };
import laneScript from "./lanes/lane.sh" with { type: "text" };
import livingScript from "./lanes/living.sh" with { type: "text" };
import logScript from "./output/log.sh" with { type: "text" };
import readingScript from "./people/reading.sh" with { type: "text" };
import shellScript from "./lanes/shell.sh" with { type: "text" };
import setupScript from "./server/setup.sh" with { type: "text" };
import socketScript from "./server/socket.sh" with { type: "text" };

/** Scripts of the executor by name. */
const SCRIPTS = {
  deadline: deadlineScript,
  hook: hookScript,
  inherited: inheritedScript,
  kill: killScript,
  lane: laneScript,
  living: livingScript,
  log: logScript,
  reading: readingScript,
  setup: setupScript,
  shell: shellScript,
  socket: socketScript,
};

/**
 * The files of the executor: their paths, and what a reader asks of them. RUN is the name of a run, K the number of a
 * lane.
 */
export class SpoolFiles {
  readonly dir: string;
  readonly files: Files;

  constructor(dir: string, files: Files) {
    this.dir = dir;
    this.files = files;
  }

  /** Returns the path of the payload of a run that names its interpreter. */
  program = (run: string) => `${this.dir}/jobs/${run}.bin`;
  /** Returns the path of the stop record of a run: the reason, and the process that stops it. */
  stop = (run: string) => `${this.dir}/jobs/${run}.stop`;
  /** Returns the path of a file that exists when the run could not enter its working directory. */
  outside = (run: string) => `${this.dir}/jobs/${run}.outside`;
  /** Returns the path of a non-empty output that the run's result holds completely. */
  output = (run: string) => `${this.dir}/out/${run}`;
  /** Returns the path of an output that the run's result does not hold completely. */
  keptOutput = (run: string) => `${this.dir}/kept/${run}`;
  /** Returns the path of the note beside an output whose end was not captured. */
  cut = (run: string) => `${this.dir}/kept/${run}.cut`;
  /** Returns the path of the note beside an output that says where bytes are gone. */
  gaps = (run: string) => `${this.dir}/kept/${run}.gaps`;
  /** Returns the path of the note beside an output that says how long its job is kept, seconds. */
  keep = (run: string) => `${this.dir}/kept/${run}.keep`;
  /** Returns the path of a hook's script, which is removed when the hook runs. */
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
   * Folder of one file, named after the epoch of the runner process. What it sends to lanes is valid while the file
   * exists.
   */
  get epochs(): string {
    return `${this.dir}/epochs`;
  }
  get jobs(): string {
    return `${this.dir}/jobs`;
  }
  /** Record of kept outputs that were removed to make room: runs, and the times of their removal. */
  get removed(): string {
    return `${this.dir}/removed`;
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
  /** Returns the path of the pipe from the runner to a lane. */
  laneInput = (lane: string) => `${this.dir}/lanes/${lane}/in`;
  /** Returns the path of the script of the lane's latest run. */
  laneScript = (lane: string) => `${this.dir}/lanes/${lane}/run`;
  /** Returns the path of the record of the shell that the lane started last: its process id and the name of its run. */
  laneRoot = (lane: string) => `${this.dir}/lanes/${lane}/root`;
  /** Returns the path of the output of the lane's terminal; of its first half, when it has parts. */
  laneLog = (lane: string) => `${this.dir}/lanes/${lane}/log`;
  /** Returns the path of a part that follows the first half of the log. */
  laneLogPart = (lane: string, part: number) => `${this.dir}/lanes/${lane}/log.${part}`;
  /** Returns the path of the note that says what is gone between the first half and the parts. */
  laneGap = (lane: string) => `${this.dir}/lanes/${lane}/gap`;
  /** Returns the path of the process id of the log's writer, and the limit that it keeps. */
  laneWriter = (lane: string) => `${this.dir}/lanes/${lane}/writer`;
  /** Returns the path of the lane's journal: starts and ends, records of one length. */
  journal = (lane: string) => `${this.dir}/lanes/${lane}/journal`;

  /** Reads the journal of a lane; it is unknown when it was removed or cannot be read from the disk. */
  async readJournal(lane: string): Promise<Journal> {
    const text = await this.files.readText(this.journal(lane)).catch(() => null);
    return text === null ? NO_JOURNAL : readJournal(text);
  }

  /** Returns the run whose shell a lane started last; `null` when that is unknown. */
  async lastStarted(lane: string): Promise<string | null> {
    const text = await this.files.readText(this.laneRoot(lane)).catch(() => null);
    return text?.match(/ name=([0-9a-f.]+);/)?.[1] ?? null;
  }
}

/** Returns the run of a file in the folder of kept outputs. */
export function runOf(name: string): string {
  return name.replace(/\.(cut|gaps|keep)$/, "");
}

/** What a `Spool` is made with; the clock gives randomness. */
export type SpoolOptions = Pick<TmuxOptions, "spool" | "files" | "digestOf" | "clock">;

/** The folder of the executor, with its scripts. */
export class Spool extends SpoolFiles {
  /**
   * Paths of the scripts. Each file is named after its content: an update never changes one that a shell is reading.
   */
  readonly scripts: Readonly<Record<keyof typeof SCRIPTS, string>>;
  /** The folder is no longer the one that this process created or found: its paths prove nothing about our runs. */
  isLost = false;
  readonly #random: () => number;

  private constructor({ spool, files, clock }: SpoolOptions, scripts: Spool["scripts"]) {
    super(spool, files);
    this.scripts = scripts;
    this.#random = () => clock.random();
  }

  /** Creates folders and scripts. */
  static async make(options: SpoolOptions): Promise<Spool> {
    const { spool: dir, files, digestOf } = options;
    for (const folder of ["bin", "jobs", "out", "kept", "lanes", "epochs"]) await files.makeFolder(`${dir}/${folder}`);
    const scripts: Record<string, string> = {};
    for (const [name, text] of Object.entries(SCRIPTS)) {
      const path = scripts[name] = `${dir}/bin/${name}-${digestOf(text).slice(0, 16)}.sh`;
      if (await files.readText(path) !== text) await files.replace(path, text);
    }
    return new Spool(options, scripts as Record<keyof typeof SCRIPTS, string>);
  }

  /**
   * Starts a new epoch and invalidates all earlier ones. From now on no lane begins what earlier processes sent, unless
   * its journal already records the start.
   */
  async newEpoch(): Promise<string> {
    const old = (await this.files.list(this.epochs)).map((entry) => entry.name);
    const epoch = String(nextNumber(old, this.#random()));
    await this.keepEpoch(epoch); // first: a number must never be used twice
    for (const name of old) await this.files.remove(`${this.epochs}/${name}`);
    return epoch;
  }

  /** Ensures that an epoch is valid. */
  async keepEpoch(epoch: string): Promise<void> {
    await this.files.write(`${this.epochs}/${epoch}`, "");
  }
}

/**
 * Returns the number after the highest one; the first number is random. After a folder was removed, the runner that
 * still waits for its jobs may live beside one with a new folder. The two must never mean different things by one path.
 *
 * @param random From 0 up to 1.
 */
export function nextNumber(names: readonly string[], random: number): number {
  const highest = Math.max(0, ...names.map(Number).filter(Number.isInteger));
  return highest === 0 ? 1000 * Math.floor(1e6 * random) + 1 : highest + 1;
}
