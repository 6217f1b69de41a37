import { instanceName } from "../../../domain/instance_name.ts";
import { attemptName } from "../../../domain/attempt_name.ts";
import type { OutputPart } from "../../../domain/output.ts";
import type { Files } from "../../../ports/files.ts";
import type { AttemptOutput, HostOutput } from "../../../ports/host_output.ts";
import type { StoredJob } from "../../../ports/job_store.ts";
import { LaneLog } from "./lane_log.ts";
import { LiveReader } from "./live_reader.ts";
import { readEnded } from "./output.ts";
import { SpoolFiles } from "../spool.ts";

/** Dependencies of a `TmuxHostOutput`. */
export interface HostOutputOptions {
  readonly files: Files;
  readonly digestOf: (text: string) => string;
  /** Folder of all spools of this user, an absolute path. */
  readonly root: string;
  /** Raw prefix of all keys. */
  readonly namespace: string;
  /** Returns whether a folder exists, can be read, and is trustworthy. */
  readonly isOurs: (path: string) => Promise<boolean>;
}

/** Reads outputs in the spools of this host's runners, which may write at the same time. Changes nothing there. */
export class TmuxHostOutput implements HostOutput {
  readonly #options: HostOutputOptions;

  constructor(options: HostOutputOptions) {
    this.#options = options;
  }

  async open(job: StoredJob): Promise<AttemptOutput | null> {
    const { files, digestOf, root, namespace, isOurs } = this.#options;
    const { runner, instance, token } = job.meta;
    if (!runner || !instance || !token) return null;
    const dir = `${root}/${instanceName(namespace, runner, digestOf)}`;
    if (!await isOurs(dir)) return null;
    // another runner of that name, or one whose folder was created anew
    if ((await files.readText(`${dir}/instance`))?.trim() !== instance) return null;
    const run = attemptName({ id: job.id, token }, digestOf);
    return new RunOutput(files, new SpoolFiles(dir, files), run);
  }
}

/**
 * The output of a run: from the log of its terminal, then from its own file. A log is emptied only after that file was
 * written. So bytes from a log are valid if afterwards there is no such file and the terminal has not begun another
 * run.
 */
class RunOutput implements AttemptOutput {
  readonly #files: Files;
  readonly #spool: SpoolFiles;
  readonly #run: string;
  #lane = "";
  #log: LaneLog | null = null;
  #reader: LiveReader | null = null;

  constructor(files: Files, spool: SpoolFiles, run: string) {
    this.#files = files;
    this.#spool = spool;
    this.#run = run;
  }

  async read(offset: number, limit: number): Promise<OutputPart> {
    const nothing = { offset, bytes: new Uint8Array() };
    try {
      if (!await this.#hasFile()) {
        if (this.#reader === null) await this.#openLog();
        const part = await this.#reader?.read(offset, limit) ?? nothing;
        if (!await this.#hasFile() && await this.#isRunning()) return part;
      }
      return await readEnded(this.#files, this.#spool, this.#run, { offset, limit });
    } catch {
      // it was removed meanwhile
      return nothing;
    }
  }

  close(): void {
    this.#log?.close();
    this.#log = this.#reader = null;
  }

  async #hasFile(): Promise<boolean> {
    const { output, keptOutput } = this.#spool;
    for (const path of [keptOutput, output]) if (await this.#files.stat(path(this.#run)) !== null) return true;
    return false;
  }

  /** Returns whether the terminal of the open log has begun no other run since. */
  async #isRunning(): Promise<boolean> {
    return this.#log !== null && await this.#spool.lastStarted(this.#lane) === this.#run;
  }

  async #openLog(): Promise<void> {
    const secret = await this.#files.readText(this.#spool.secret);
    for (const { name } of await this.#files.list(this.#spool.lanes)) {
      if (await this.#spool.lastStarted(name) !== this.#run) continue;
      this.#lane = name;
      this.#log = await LaneLog.open(this.#files, this.#spool, name);
      this.#reader = new LiveReader(this.#log, { position: 0, token: `${this.#run}.${secret}` });
      return;
    }
  }
}
