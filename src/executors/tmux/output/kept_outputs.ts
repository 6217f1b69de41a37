import type { Pruning } from "../../../ports/executor.ts";
import type { TmuxOptions } from "../options.ts";
import type { Run } from "../lanes/run.ts";
import type { SpoolFiles } from "../spool.ts";

/** Maximum number of kept outputs that exceed a result; the oldest go first. */
export const MAX_KEPT = 4096;
/** Maximum size of all of them together, bytes; the newest stays whatever its size. */
const MAX_BYTES = 10 * 2 ** 30;
/** Number of files per batch; other work runs between two batches. */
const BATCH = 100;
/** Pause between two searches for outputs without a record, milliseconds. */
const SEARCH_EVERY = 3_600_000;

/** A kept output, as it was when it was first listed. */
interface Kept {
  readonly size: number;
  /** Monotonic time at which it was written. */
  readonly writtenMs: number;
}

/**
 * Decides which outputs stay on disk. An output that the result holds completely is needed only while its end may be
 * reported again, so it goes with its record. The others are the only complete copy: they stay for a time, bounded in
 * count and bytes.
 *
 * The cost of a round depends on the changes since the last one: the names of forgotten runs are given, and each kept
 * file is read once.
 */
export class KeptOutputs {
  readonly #options: TmuxOptions;
  readonly #spool: SpoolFiles;
  readonly #runs: ReadonlyMap<string, Run>;
  #kept = new Map<string, Kept>();
  #searchedAt = -Infinity;

  constructor(options: TmuxOptions, parts: { spool: SpoolFiles; runs: ReadonlyMap<string, Run> }) {
    this.#options = options;
    this.#spool = parts.spool;
    this.#runs = parts.runs;
  }

  /** Keeps a small output that was stored as one that its result holds, although no result does. */
  async keep(run: string): Promise<void> {
    const { files } = this.#options;
    const text = await files.readText(this.#spool.output(run));
    if (text === null) return;
    await files.replace(this.#spool.keptOutput(run), text); // in one step: a part would be read as all of it
    await files.remove(this.#spool.output(run));
  }

  /** Removes the outputs that are no longer needed. */
  async prune({ seconds, forgotten, hasRecord, signal }: Pruning): Promise<void> {
    const { clock } = this.#options;
    await this.#removeAll(forgotten, signal);
    await this.#pruneKept(seconds, signal);
    if (clock.now() - this.#searchedAt < SEARCH_EVERY) return;
    this.#searchedAt = clock.now();
    await this.#removeWithoutRecord(hasRecord, signal);
  }

  async #removeAll(runs: readonly string[], signal?: AbortSignal): Promise<void> {
    const { files } = this.#options;
    await this.#inBatches(runs, async (run) => void await files.remove(this.#spool.output(run)), signal);
  }

  /** Removes outputs of a process that ended after it removed a record and before it removed the output. */
  async #removeWithoutRecord(hasRecord: Pruning["hasRecord"], signal?: AbortSignal): Promise<void> {
    const runs = (await this.#options.files.list(this.#spool.outputs)).map(({ name }) => name);
    await this.#removeAll(runs.filter((run) => !hasRecord(run) && !this.#runs.has(run)), signal);
  }

  async #pruneKept(seconds: number, signal?: AbortSignal): Promise<void> {
    const { clock, files } = this.#options;
    await this.#list(signal);
    let [count, bytes] = [0, 0];
    const newestFirst = [...this.#kept].sort(([, a], [, b]) => b.writtenMs - a.writtenMs);
    const gone = newestFirst.filter(([, { size, writtenMs }]) => {
      count++;
      bytes += size;
      const old = seconds > 0 && clock.now() - writtenMs > seconds * 1000;
      return old || count > MAX_KEPT || count > 1 && bytes > MAX_BYTES;
    });
    await this.#inBatches(gone, async ([name]) => {
      await files.remove(this.#spool.keptOutput(name));
      this.#kept.delete(name);
    }, signal);
  }

  /** Updates the list: the names are read each time, and the properties of each file once. */
  async #list(signal?: AbortSignal): Promise<void> {
    const before = this.#kept;
    this.#kept = new Map();
    const fresh: string[] = [];
    for (const { name } of await this.#options.files.list(this.#spool.keptOutputs)) {
      const known = before.get(name);
      if (known) this.#kept.set(name, known);
      else if (!this.#runs.has(name)) fresh.push(name);
    }
    await this.#inBatches(fresh, async (name) => {
      const found = await this.#read(name);
      if (found) this.#kept.set(name, found);
    }, signal);
  }

  async #read(name: string): Promise<Kept | null> {
    const stat = await this.#options.files.stat(this.#spool.keptOutput(name));
    return stat && { size: stat.size, writtenMs: this.#options.clock.now() - stat.ageMs };
  }

  async #inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>, signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < items.length && !signal?.aborted; at += BATCH) {
      for (const item of items.slice(at, at + BATCH)) await work(item);
      await this.#options.clock.sleep(0);
    }
  }
}
