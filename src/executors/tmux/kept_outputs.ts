import type { Pruning } from "../../ports/executor.ts";
import type { TmuxOptions } from "./options.ts";
import type { Run } from "./run.ts";
import type { Spool } from "./spool.ts";

/** Outputs beyond a result that are kept at the most; the oldest go first. */
export const MAX_KEPT = 4096;
/** Bytes of all of them; the newest stays whatever its size. */
const MAX_BYTES = 10 * 2 ** 30;
/** Files that are handled in one go, before other work has its turn. */
const BATCH = 100;
/** Pause between two searches for outputs that have no record, milliseconds. */
const SEARCH_EVERY = 3_600_000;

/** An output that is kept, as it was when it was seen first. */
interface Kept {
  readonly size: number;
  /** Monotonic time at which it was written. */
  readonly writtenMs: number;
}

/**
 * Decides which outputs stay on disk. One that the result holds whole is needed only as long as its end may be reported
 * again, so it goes with its record. The others are the only whole copy: they stay for a time, bounded in count and
 * bytes.
 *
 * A round costs what came and went since the last one: names of forgotten runs are given, and each kept file is looked
 * at once.
 */
export class KeptOutputs {
  readonly #options: TmuxOptions;
  readonly #spool: Spool;
  readonly #runs: ReadonlyMap<string, Run>;
  #kept = new Map<string, Kept>();
  #searchedAt = -Infinity;

  constructor(options: TmuxOptions, parts: { spool: Spool; runs: ReadonlyMap<string, Run> }) {
    this.#options = options;
    this.#spool = parts.spool;
    this.#runs = parts.runs;
  }

  /** One round. */
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

  /** What a process left that ended between the end of a record and that of its output. */
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

  /** Brings the list up to date: the names are read each time, and each file is looked at once. */
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
