import { RESULT_PART } from "../../../domain/limits.ts";
import { isExact, type OutputSample, resultText } from "../../../domain/output.ts";
import type { Files, OpenFile } from "../../../ports/files.ts";
import type { Run } from "../lanes/run.ts";
import type { SpoolFiles } from "../spool.ts";

/** Maximum number of bytes per read. */
export const CHUNK = 256 << 10;

/** Collects the parts of an output that a result needs, in bounded memory. */
class Sampler {
  total = 0;
  /** The first bytes, up to two parts: all of a small output. */
  readonly #head: Uint8Array[] = [];
  #headSize = 0;
  #tail = new Uint8Array();

  add(bytes: Uint8Array): void {
    this.total += bytes.length;
    const room = 2 * RESULT_PART - this.#headSize;
    if (room > 0) {
      const part = bytes.slice(0, room);
      this.#head.push(part);
      this.#headSize += part.length;
    }
    const tail = bytes.slice(-RESULT_PART);
    this.#tail = tail.length === RESULT_PART ? tail : concat([this.#tail, tail]).slice(-RESULT_PART);
  }

  /** Whether it still holds everything. */
  get isWhole(): boolean {
    return this.total <= 2 * RESULT_PART;
  }

  /** Returns everything before the bytes that made it incomplete. */
  before(last: Uint8Array): Uint8Array {
    return concat(this.#head).subarray(0, this.total - last.length);
  }

  sample(truncated: boolean): OutputSample {
    const head = concat(this.#head);
    return {
      total: this.total,
      head: this.isWhole ? head : head.slice(0, RESULT_PART),
      tail: this.isWhole ? new Uint8Array() : this.#tail,
      truncated,
    };
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Writes a run's output into its own file, and samples it at the same time. A run without output gets no file. */
export class OutputWriter {
  readonly #files: Files;
  readonly #spool: SpoolFiles;
  readonly #run: string;
  /** An earlier process may have left files of the same run. */
  readonly #adopted: boolean;
  readonly #sampler = new Sampler();
  #file: OpenFile | null = null;
  #failed = false;

  constructor(files: Files, spool: SpoolFiles, { name, adopted }: Pick<Run, "name" | "adopted">) {
    this.#files = files;
    this.#spool = spool;
    this.#run = name;
    this.#adopted = adopted;
  }

  async add(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#sampler.add(bytes);
    if (this.#file === null && this.#sampler.isWhole) return; // a small output is written once, at the end
    await this.#write(async () => {
      const path = this.#spool.keptOutput(this.#run);
      if (this.#file === null) {
        this.#file = await this.#files.open(path, "new");
        await this.#file.append(this.#sampler.before(bytes));
      }
      await this.#file.append(bytes);
    });
  }

  /** Runs a write. On a full disk sampling goes on, and the sample says that something is missing. */
  async #write(work: () => Promise<void>): Promise<void> {
    if (this.#failed) return;
    try {
      await work();
    } catch {
      this.#failed = true;
    }
  }

  /** Closes its file. Without `end` the file is left for the next process, which writes it anew. */
  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  /** Removes the files of an earlier process for the same output: it may have stored the output in another form. */
  async #removeOld(): Promise<void> {
    const { output, keptOutput, cut } = this.#spool;
    const old = this.#file === null ? [keptOutput, output, cut] : [output, cut];
    for (const path of old) await this.#files.remove(path(this.#run)).catch(() => {});
  }

  async end(truncated: boolean): Promise<OutputSample> {
    const { isWhole, total } = this.#sampler;
    // without any output the log may be gone: the old files are better
    if (this.#adopted && total > 0) await this.#removeOld();
    this.close();
    if (isWhole && total > 0) {
      const sample = this.#sampler.sample(false);
      const isInResult = !truncated && isExact(resultText(sample));
      const path = isInResult ? this.#spool.output(this.#run) : this.#spool.keptOutput(this.#run);
      await this.#write(() => this.#files.write(path, sample.head));
      // a partial file from a full disk would mislead
      if (this.#failed) await this.#files.remove(path).catch(() => {});
    }
    // a small output is complete in the sample, file or not
    const cut = truncated || this.#failed && !isWhole;
    if (cut) await this.#files.write(this.#spool.cut(this.#run), "").catch(() => {});
    const sample = this.#sampler.sample(cut);
    return this.#failed ? { ...sample, unsaved: true } : sample;
  }
}

/** Reads a sample of an ended run's output from its file; `null` when there is none. */
export async function readSample(files: Files, spool: SpoolFiles, run: string): Promise<OutputSample | null> {
  const small = await files.stat(spool.output(run));
  const size = (small ?? await files.stat(spool.keptOutput(run)))?.size;
  if (size === undefined) return null;
  const truncated = await files.stat(spool.cut(run)) !== null;
  const path = small ? spool.output(run) : spool.keptOutput(run);
  const part = (offset: number, limit: number) => readPart(files, path, offset, limit);
  if (size <= 2 * RESULT_PART) return { total: size, head: await part(0, size), tail: new Uint8Array(), truncated };
  return {
    total: size,
    head: await part(0, RESULT_PART),
    tail: await part(size - RESULT_PART, RESULT_PART),
    truncated,
  };
}

/** Reads a part of the output of an ended run. */
export async function readEnded(files: Files, spool: SpoolFiles, run: string, offset: number, limit: number) {
  const isSmall = await files.stat(spool.output(run)) !== null;
  return await readPart(files, isSmall ? spool.output(run) : spool.keptOutput(run), offset, limit);
}

/** Reads up to `limit` bytes of a file from an offset on; returns nothing when there is no such file. */
export async function readPart(files: Files, path: string, offset: number, limit: number): Promise<Uint8Array> {
  const size = (await files.stat(path))?.size ?? 0;
  const bytes = new Uint8Array(Math.max(0, Math.min(limit, size - offset)));
  if (bytes.length === 0) return bytes;
  const file = await files.open(path, "read");
  try {
    let got = 0;
    while (got < bytes.length) {
      const count = await file.read(bytes.subarray(got), offset + got);
      if (count === 0) break;
      got += count;
    }
    return bytes.subarray(0, got);
  } finally {
    file.close();
  }
}
