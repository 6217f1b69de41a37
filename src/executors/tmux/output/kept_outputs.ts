import { DEFAULT_OUTPUT_TOTAL, RESULT_PART } from "../../../domain/limits.ts";
import { messageOf } from "../../../domain/message_of.ts";
import type { Pruning } from "../../../ports/executor.ts";
import type { TmuxOptions } from "../options.ts";
import type { Run } from "../lanes/run.ts";
import { runOf, type SpoolFiles } from "../spool.ts";

/**
 * Size as which a smaller output counts, bytes: so the limit of all together also bounds their number. Most are larger,
 * as a result holds smaller texts.
 */
export const LEAST_SIZE = 2 * RESULT_PART;
/** Number of removed outputs on record. */
const REMOVED = 4096;
/** Number of files per batch; other work runs between two batches. */
const BATCH = 100;
/** Pause between two searches for outputs without a record, milliseconds. */
const SEARCH_EVERY = 3_600_000;

/** A kept output with the notes beside it, as it was when it was first listed. */
interface Kept {
  /** Names of its files. */
  readonly names: readonly string[];
  readonly size: number;
  /** Monotonic time at which it was written. */
  readonly writtenMs: number;
  /** Seconds for which its job is kept, 0 for ever; `null`: as long as most. */
  readonly keep: number | null;
}

/**
 * Decides which outputs stay on disk. An output that the result holds completely is needed only while its end may be
 * reported again, so it goes with its record. The others are the only complete copy: they stay as long as Redis keeps
 * the job, and altogether have a limit, beyond which the oldest go; the newest stays whatever its size.
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
  async keep(run: string, seconds: number | null): Promise<void> {
    const { files } = this.#options;
    const text = await files.readText(this.#spool.output(run));
    if (text === null) return;
    // first: without it the output would be kept for another time
    if (seconds !== null) await files.write(this.#spool.keep(run), String(seconds));
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
    const { clock, files, outputTotal = DEFAULT_OUTPUT_TOTAL } = this.#options;
    await this.#list(signal);
    let bytes = 0;
    const newestFirst = [...this.#kept].sort(([, a], [, b]) => b.writtenMs - a.writtenMs);
    const early: string[] = [];
    const gone = newestFirst.filter(([run, { size, writtenMs, keep }], i) => {
      bytes += Math.max(size, LEAST_SIZE);
      const most = keep ?? seconds;
      const isOld = most > 0 && clock.now() - writtenMs > most * 1000;
      const isTooMuch = !isOld && outputTotal > 0 && i > 0 && bytes > outputTotal;
      if (isTooMuch) early.push(run);
      return isOld || isTooMuch;
    });
    await this.#record(early);
    await this.#inBatches(gone, async ([run, { names }]) => {
      for (const name of names) await files.remove(`${this.#spool.keptOutputs}/${name}`);
      this.#kept.delete(run);
    }, signal);
  }

  /** Records that outputs are removed although Redis has their jobs; of many only the last ones. */
  async #record(runs: readonly string[]): Promise<void> {
    if (runs.length === 0) return;
    const { files, wallClock, log } = this.#options;
    try {
      const before = await files.readText(this.#spool.removed) ?? "";
      const lines = runs.map((run) => `${run} ${wallClock()}\n`).join("");
      const last = (before + lines).split("\n").slice(-REMOVED - 1);
      await files.replace(this.#spool.removed, last.join("\n"));
    } catch (error) {
      log.warn("could not record which outputs are removed", { error: messageOf(error) });
    }
  }

  /** Updates the list: the names are read each time, and the properties of each file once. */
  async #list(signal?: AbortSignal): Promise<void> {
    const before = this.#kept;
    this.#kept = new Map();
    const fresh = new Map<string, string[]>();
    for (const { name } of await this.#options.files.list(this.#spool.keptOutputs)) {
      const run = runOf(name);
      const kept = before.get(run);
      if (kept) this.#kept.set(run, kept);
      else if (!this.#runs.has(run)) fresh.set(run, [...fresh.get(run) ?? [], name]);
    }
    await this.#inBatches([...fresh], async ([run, names]) => {
      const found = await this.#read(run, names);
      if (found) this.#kept.set(run, found);
    }, signal);
  }

  async #read(run: string, names: readonly string[]): Promise<Kept | null> {
    const { files, clock } = this.#options;
    // without the output itself, its notes are of no use to anyone
    const stat = await files.stat(this.#spool.keptOutput(run)) ??
      await files.stat(`${this.#spool.keptOutputs}/${names[0]}`);
    if (stat === null) return null;
    const note = this.#spool.keep(run);
    const keep = names.some((name) => note.endsWith(`/${name}`)) ? await files.readText(note) : null;
    return {
      names,
      size: stat.size,
      writtenMs: clock.now() - stat.ageMs,
      keep: keep !== null && /^\d+$/.test(keep) ? Number(keep) : null,
    };
  }

  async #inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>, signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < items.length && !signal?.aborted; at += BATCH) {
      for (const item of items.slice(at, at + BATCH)) await work(item);
      await this.#options.clock.sleep(0);
    }
  }
}
