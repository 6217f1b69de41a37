import type { Files } from "../../ports/files.ts";
import type { TmuxOptions } from "./options.ts";
import hookScript from "./hook.sh" with { type: "text" };
import killScript from "./kill.sh" with { type: "text" };
import laneScript from "./lane.sh" with { type: "text" };
import readingScript from "./reading.sh" with { type: "text" };
import setupScript from "./setup.sh" with { type: "text" };

/** Where everything of the executor lies on disk. RUN is the name of a run, K the number of a lane. */
export class Spool {
  readonly dir: string;
  readonly #files: Files;
  readonly #digestOf: (text: string) => string;
  /** Programs, each named after its content: an update never changes one that a shell is reading. */
  lane = "";
  kill = "";
  hookProgram = "";
  reading = "";
  setup = "";

  constructor({ spool, files, digestOf }: TmuxOptions) {
    this.dir = spool;
    this.#files = files;
    this.#digestOf = digestOf;
  }

  /** Makes folders and scripts. */
  async make(): Promise<void> {
    for (const folder of ["bin", "jobs", "out", "lanes"]) await this.#files.makeFolder(`${this.dir}/${folder}`);
    this.lane = await this.#program("lane", laneScript);
    this.kill = await this.#program("kill", killScript);
    this.hookProgram = await this.#program("hook", hookScript);
    this.reading = await this.#program("reading", readingScript);
    this.setup = await this.#program("setup", setupScript);
  }

  async #program(name: string, text: string): Promise<string> {
    const path = `${this.dir}/bin/${name}-${this.#digestOf(text).slice(0, 16)}.sh`;
    if (await this.#files.readText(path) !== text) await this.#files.replace(path, text);
    return path;
  }

  /** The script of a run: gone when it must not be taken any more. */
  script = (run: string) => `${this.dir}/jobs/${run}.sh`;
  /** The payload of a run that names its interpreter. */
  program = (run: string) => `${this.dir}/jobs/${run}.bin`;
  /** Made by who decides about the run, once: the lane that runs it (its number, then the process id), or `held` by a runner. */
  marker = (run: string) => `${this.dir}/jobs/${run}.started`;
  /** Why the run is being stopped. */
  stop = (run: string) => `${this.dir}/jobs/${run}.stop`;
  /** What the run wrote, when it wrote anything. */
  output = (run: string) => `${this.dir}/out/${run}`;
  /** Stands beside an output whose end was not captured. */
  cut = (run: string) => `${this.dir}/out/${run}.cut`;
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
  /** Process id of the control client. */
  get client(): string {
    return `${this.dir}/ctl.pid`;
  }
  get jobs(): string {
    return `${this.dir}/jobs`;
  }
  get outputs(): string {
    return `${this.dir}/out`;
  }
  get lanes(): string {
    return `${this.dir}/lanes`;
  }
  laneFolder = (lane: string) => `${this.dir}/lanes/${lane}`;
  /** Pipe from the runner to the lane. */
  laneInput = (lane: string) => `${this.dir}/lanes/${lane}/in`;
  /** What the lane's terminal wrote. */
  laneLog = (lane: string) => `${this.dir}/lanes/${lane}/log`;
  /** Starts and ends, one a line. */
  journal = (lane: string) => `${this.dir}/lanes/${lane}/journal`;
}
