import { RESULT_PART } from "../../../domain/limits.ts";
import { isExact, type OutputPart, type OutputSample, resultText } from "../../../domain/output.ts";
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

  /** Continues behind bytes that are gone: more than the middle that a result leaves out. */
  skip(bytes: number): void {
    this.total += bytes;
    this.#tail = new Uint8Array();
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
  /** Seconds for which the job is kept; `null`: as long as most. */
  readonly #keep: number | null;
  readonly #sampler = new Sampler();
  readonly #gaps: Gap[] = [];
  #file: OpenFile | null = null;
  #failed = false;

  constructor(files: Files, spool: SpoolFiles, { name, adopted, launch }: Pick<Run, "name" | "adopted" | "launch">) {
    this.#files = files;
    this.#spool = spool;
    this.#run = name;
    this.#adopted = adopted;
    this.#keep = launch.keep;
  }

  /** Adds the next part; bytes before it may be gone. */
  async add({ offset, bytes }: OutputPart): Promise<void> {
    if (bytes.length === 0) return;
    const { total } = this.#sampler;
    if (offset > total) {
      this.#sampler.skip(offset - total);
      this.#gaps.push({ offset: total, bytes: offset - total });
      // first: no reader may meet the bytes behind the gap without its note
      await this.#write(() => this.#files.write(this.#spool.gaps(this.#run), formatGaps(this.#gaps)));
    }
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
    const { output, keptOutput, cut, gaps, keep } = this.#spool;
    const old = [output, cut, keep];
    if (this.#file === null) old.push(keptOutput);
    if (this.#gaps.length === 0) old.push(gaps);
    for (const path of old) await this.#files.remove(path(this.#run)).catch(() => {});
  }

  async end(truncated: boolean): Promise<OutputSample> {
    const { isWhole, total } = this.#sampler;
    // without any output the log may be gone: the old files are better
    if (this.#adopted && total > 0) await this.#removeOld();
    let isKept = this.#file !== null;
    this.close();
    if (isWhole && total > 0) {
      const sample = this.#sampler.sample(false);
      isKept = truncated || !isExact(resultText(sample));
      const path = isKept ? this.#spool.keptOutput(this.#run) : this.#spool.output(this.#run);
      await this.#write(() => this.#files.write(path, sample.head));
      // a partial file from a full disk would mislead
      if (this.#failed) await this.#files.remove(path).catch(() => {});
    }
    // a small output is complete in the sample, file or not
    const cut = truncated || this.#failed && !isWhole;
    if (cut) await this.#files.write(this.#spool.cut(this.#run), "").catch(() => {});
    if (isKept && this.#keep !== null) {
      await this.#files.write(this.#spool.keep(this.#run), String(this.#keep)).catch(() => {});
    }
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
  const gone = (await readGaps(files, spool, run)).reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    total: size + gone,
    head: await part(0, RESULT_PART),
    tail: await part(size - RESULT_PART, RESULT_PART),
    truncated,
  };
}

/** Reads a part of the output of an ended run. */
export async function readEnded(
  files: Files,
  spool: SpoolFiles,
  run: string,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<OutputPart> {
  if (await files.stat(spool.output(run)) !== null) {
    return { offset, bytes: await readPart(files, spool.output(run), offset, limit) };
  }
  const place = placeOf(await readGaps(files, spool, run), offset);
  const bytes = await readPart(files, spool.keptOutput(run), place.at, Math.min(limit, place.most));
  if (bytes.length > 0) return { offset: place.offset, bytes };
  const removedMs = await files.stat(spool.keptOutput(run)) === null ? await removalOf(files, spool, run) : undefined;
  return { offset, bytes, ...removedMs !== undefined && { removedMs } };
}

/** Returns when an output was removed to make room, Unix ms; `undefined` when that is not on record. */
async function removalOf(files: Files, spool: SpoolFiles, run: string): Promise<number | undefined> {
  const line = (await files.readText(spool.removed) ?? "").split("\n").findLast((line) => line.startsWith(`${run} `));
  const ms = Number(line?.slice(run.length));
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Bytes that are gone from a kept output; its file has neither them nor a place for them. */
interface Gap {
  readonly offset: number;
  readonly bytes: number;
}

function formatGaps(gaps: readonly Gap[]): string {
  return gaps.map(({ offset, bytes }) => `${offset} ${bytes}\n`).join("");
}

/** Reads the note about the gaps of a kept output. */
async function readGaps(files: Files, spool: SpoolFiles, run: string): Promise<Gap[]> {
  const text = await files.readText(spool.gaps(run)) ?? "";
  return text.split("\n").filter((line) => /^\d+ \d+$/.test(line)).map((line) => {
    const [offset, bytes] = line.split(" ").map(Number);
    return { offset, bytes };
  });
}

/** Returns where the first byte from an offset on is in the file, and how many follow it without a gap. */
function placeOf(gaps: readonly Gap[], offset: number): { offset: number; at: number; most: number } {
  let gone = 0;
  for (const gap of gaps) {
    if (offset < gap.offset) return { offset, at: offset - gone, most: gap.offset - offset };
    gone += gap.bytes;
    offset = Math.max(offset, gap.offset + gap.bytes);
  }
  return { offset, at: offset - gone, most: Infinity };
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
