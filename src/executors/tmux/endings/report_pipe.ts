import type { Files, Pipe } from "../../../ports/files.ts";
import type { Spool } from "../spool.ts";

/** The pipe from all lanes to the runner. While it is in its place, the folder of the executor is ours. */
export class ReportPipe {
  readonly #spool: Spool;
  readonly #pipe: Pipe;
  /** The same pipe, to end the reader: its path may lead to another pipe by then. */
  readonly #waker: Pipe;
  #reading: Promise<void> | null = null;
  #closed = false;

  private constructor(spool: Spool, pipe: Pipe, waker: Pipe) {
    this.#spool = spool;
    this.#pipe = pipe;
    this.#waker = waker;
  }

  static async open(files: Files, spool: Spool): Promise<ReportPipe> {
    const pipe = await files.openPipe(spool.done);
    try {
      return new ReportPipe(spool, pipe, await files.openPipe(spool.done));
    } catch (error) {
      pipe.close();
      throw error;
    }
  }

  /** Passes each line to `handle` from now on; lines that were written before wait in the pipe. */
  read(handle: (line: string) => void): void {
    this.#reading = this.#read(handle);
  }

  async #read(handle: (line: string) => void): Promise<void> {
    const buffer = new Uint8Array(64 << 10);
    const decoder = new TextDecoder();
    let rest = "";
    while (!this.#closed) {
      const count = await this.#pipe.read(buffer);
      const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (!this.#closed) handle(line);
      }
    }
  }

  /** Returns the path of the pipe when it was removed or replaced; `null` when all is well. */
  async missing(): Promise<string | null> {
    const missing = await this.#pipe.isStill() ? null : this.#spool.done;
    this.#spool.isLost = missing !== null;
    return missing;
  }

  /** Handles no more lines. */
  stop(): void {
    this.#closed = true;
  }

  /** Ends the reader, and resolves when it has ended. */
  async end(): Promise<void> {
    this.#closed = true;
    await this.#waker.write(new TextEncoder().encode("\n"));
    await this.#reading;
  }

  close(): void {
    this.#waker.close();
    this.#pipe.close();
  }
}
