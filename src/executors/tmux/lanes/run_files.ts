import { isProgram } from "./job_script.ts";
import type { Files } from "../../../ports/files.ts";
import type { Lane } from "./lane.ts";
import type { Run } from "./run.ts";
import type { Spool } from "../spool.ts";

/** The files of a run but its output. */
export class RunFiles {
  readonly #files: Files;
  readonly #spool: Spool;

  constructor(files: Files, spool: Spool) {
    this.#files = files;
    this.#spool = spool;
  }

  /** Removes the files that a known run can have. */
  async remove({ name, launch, lane, mayBeStopped, outside }: Run): Promise<void> {
    if (isProgram(launch)) await this.#files.remove(this.#spool.program(name));
    if (mayBeStopped) await this.#files.remove(this.#spool.stop(name));
    if (outside) await this.#files.remove(this.#spool.outside(name));
    if (lane?.script === name && lane.pane !== null) await this.wipe(lane);
  }

  /** Removes all files that a run without a record may have. */
  async removeAll(run: string): Promise<void> {
    await this.#files.remove(this.#spool.program(run));
    await this.#files.remove(this.#spool.stop(run));
    await this.#files.remove(this.#spool.outside(run));
  }

  /**
   * Empties a lane's script, which may hold secrets. Leaves one byte: a file without a disk block would cost more at
   * the next write.
   */
  async wipe(lane: Lane): Promise<void> {
    lane.script = null;
    await this.#files.overwrite(this.#spool.laneScript(lane.key), "\n");
  }
}
