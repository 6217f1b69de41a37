import { fitsResult } from "../domain/output.ts";
import type { Intent, SettledEnd, Spool, SpoolRecord } from "../ports/spool.ts";

/** Settled runs are kept this long, milliseconds, to be told again to a Redis that lost data ... */
const KEEP_MS = 10 * 60_000;
/** ... but no more than so many, of so many characters altogether. */
const KEEP_COUNT = 4096;
const KEEP_SIZE = 16 << 20;
/** Bytes of the outputs that stay on disk as long as their records do, because a result is to be reported again. */
const KEEP_OUTPUT = 256 << 20;
/** The journal is written anew when it is larger than this, bytes, and holds more old than live. */
const COMPACT_ABOVE = 4 << 20;
/** How long a line for which nobody waits may wait for others, milliseconds. */
const NOTE_WITHIN = 20;
/** Pause between two tries to write a journal anew that a full disk has torn, milliseconds. */
const MEND_EVERY = 1000;

interface Entry {
  readonly intent: Intent;
  end: SettledEnd | "gone" | null;
  /** Monotonic time. */
  settledAt: number;
  readonly size: number;
}

type Line =
  | { readonly do: "intend"; readonly intent: Intent }
  | { readonly do: "settle"; readonly run: string; readonly end: SettledEnd | "gone"; readonly at: number }
  | { readonly do: "server"; readonly id: string }
  | { readonly do: "forget"; readonly until: number }
  | { readonly do: "whole"; readonly is: boolean };

/**
 * A write-ahead journal of one JSON object a line, mode 0600. Intents that come together reach the disk with one
 * `fdatasync`. A torn last line, as a crash of the host may leave, is a step that never happened.
 */
export class JournalSpool implements Spool {
  readonly #path: string;
  #file: Deno.FsFile;
  readonly #entries = new Map<string, Entry>();
  #server: string | null = null;
  #isWhole = true;
  #forgottenUntil = 0;
  #bytes = 0;
  #liveBytes = 0;
  /** Characters of the intents of settled runs. */
  #settledSize = 0;
  /** Bytes of the outputs that settled runs keep. */
  #outputSize = 0;
  /** Settled runs that were forgotten since `prune` was called last. */
  #forgotten: string[] = [];
  /** A line did not reach the file: it is to be written anew. */
  #torn = false;
  #batch: { text: string; done: PromiseWithResolvers<void>[] } | null = null;
  #flushing: Promise<void> | null = null;
  /** Lines for which nobody waits. */
  #notes = "";
  #noting: ReturnType<typeof setTimeout> | undefined;
  /** Resolve when the notes are in the file. */
  #noted: (() => void)[] = [];

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens the journal in an instance's folder.
   *
   * @param expected An earlier process of this folder had one: when it is not there, it was lost.
   */
  static async open(dir: string, { expected = false } = {}): Promise<JournalSpool> {
    const path = `${dir}/runs.jsonl`;
    const lost = expected && !await Deno.stat(path).then(() => true, () => false);
    const spool = new JournalSpool(path, openAppend(path));
    await spool.#load();
    if (lost) spool.#isWhole = false;
    spool.#drop({ gone: false }); // too old to be told again
    spool.#compact();
    return spool;
  }

  async #load(): Promise<void> {
    const text = await Deno.readTextFile(this.#path);
    for (const line of text.split("\n")) {
      if (line === "") continue;
      let step: Line;
      try {
        step = JSON.parse(line);
      } catch {
        continue; // torn: nothing that was resolved is in it
      }
      if (step.do === "intend") this.#remember(step.intent, line.length);
      else if (step.do === "settle") this.#settled(step.run, step.end, step.at);
      else if (step.do === "forget") this.#forgottenUntil = Math.max(this.#forgottenUntil, step.until);
      else if (step.do === "whole") this.#isWhole = step.is;
      else this.#server = step.id;
    }
  }

  #remember(intent: Intent, size: number): void {
    this.#entries.set(intent.run, { intent, end: null, settledAt: 0, size });
    this.#liveBytes += size;
  }

  /** `at` is Unix time, milliseconds, as a monotonic clock does not outlive the process. */
  #settled(run: string, end: SettledEnd | "gone", at: number): void {
    const entry = this.#entries.get(run);
    if (!entry) return;
    if (entry.end === null) this.#settledSize += entry.size;
    this.#outputSize += outputOf(end) - outputOf(entry.end);
    entry.end = end;
    entry.settledAt = performance.now() - Math.max(0, Date.now() - at);
    this.#entries.delete(run); // settled runs stand in the order in which they were settled
    this.#entries.set(run, entry);
  }

  get server(): string | null {
    return this.#server;
  }

  knownTo(server: string): void {
    if (server === this.#server) return;
    this.#server = server;
    this.#note({ do: "server", id: server });
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  restored(): void {
    if (this.#isWhole) return;
    this.#isWhole = true;
    this.#note({ do: "whole", is: true });
  }

  get forgottenUntil(): number {
    return this.#forgottenUntil;
  }

  records(): readonly SpoolRecord[] {
    return [...this.#entries.values()];
  }

  record(run: string): SpoolRecord | undefined {
    return this.#entries.get(run);
  }

  intend(intent: Intent): Promise<void> {
    const line = written({ do: "intend", intent });
    const done = Promise.withResolvers<void>();
    this.#batch ??= { text: "", done: [] };
    this.#batch.text += line;
    this.#batch.done.push(done);
    this.#flushing ??= this.#flush();
    return done.promise.then(() => this.#remember(intent, line.length));
  }

  /** Writes what has gathered while the last batch was on its way. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // intents of the same turn go together
    while (this.#batch) {
      const batch = this.#batch;
      this.#batch = null;
      try {
        this.#append(batch.text);
        await this.#file.syncData();
        for (const done of batch.done) done.resolve();
      } catch (error) {
        for (const done of batch.done) done.reject(error);
      }
    }
    this.#flushing = null;
  }

  /** Writes what was noted so far, and a text; into the page cache, which needs no change of thread. */
  #append(text = ""): void {
    let bytes = new TextEncoder().encode(this.#notes + text);
    this.#notes = "";
    this.#bytes += bytes.length;
    try {
      while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
      if (!this.#torn) this.#sayNoted();
    } catch (error) {
      this.#torn = true;
      throw error;
    }
  }

  /** Everything that was noted is in the file. */
  #sayNoted(): void {
    for (const resolve of this.#noted.splice(0)) resolve();
  }

  settle(run: string, end: SettledEnd | "gone"): Promise<void> {
    if (!this.#entries.has(run)) return Promise.resolve();
    const at = Date.now();
    this.#settled(run, end, at);
    this.#note({ do: "settle", run, end, at });
    const noted = new Promise<void>((resolve) => this.#noted.push(resolve));
    if (this.#settledSize > KEEP_SIZE || this.#outputSize > KEEP_OUTPUT) this.#tidy();
    return noted;
  }

  /** Writes a line soon; nobody waits for it. */
  #note(line: Line): void {
    this.#noting ??= setTimeout(() => this.#writeNotes(), NOTE_WITHIN);
    this.#notes += written(line);
  }

  #writeNotes(): void {
    this.#noting = undefined;
    if (this.#torn && !this.#flushing) this.#rewrite();
    try {
      if (!this.#torn) this.#append();
    } catch {
      // a full disk: it is written down when there is room again
    }
    if (this.#torn) this.#noting = setTimeout(() => this.#writeNotes(), MEND_EVERY);
  }

  prune(): readonly string[] {
    this.#tidy();
    const gone = this.#forgotten;
    this.#forgotten = [];
    return gone;
  }

  #tidy(): void {
    this.#drop({ gone: true });
    const stale = this.#bytes > COMPACT_ABOVE && this.#bytes > 2 * this.#liveBytes;
    if ((stale || this.#torn) && !this.#flushing) this.#rewrite();
  }

  /** Forgets what is too old or too much; with `gone` also the runs that are no longer ours. */
  #drop(what: { readonly gone: boolean }): void {
    const settled = [...this.#entries.values()].filter((entry) => entry.end !== null);
    let count = settled.length;
    const before = this.#forgottenUntil;
    for (const entry of settled) {
      const old = performance.now() - entry.settledAt > KEEP_MS;
      const fits = count <= KEEP_COUNT && this.#settledSize <= KEEP_SIZE && this.#outputSize <= KEEP_OUTPUT;
      if (!old && fits && !(what.gone && entry.end === "gone")) continue;
      count--;
      this.#outputSize -= outputOf(entry.end);
      this.#settledSize -= entry.size;
      this.#liveBytes -= entry.size;
      this.#entries.delete(entry.intent.run);
      this.#forgotten.push(entry.intent.run);
      this.#forgottenUntil = Math.max(this.#forgottenUntil, entry.intent.startedMs);
    }
    if (this.#forgottenUntil > before) this.#note({ do: "forget", until: this.#forgottenUntil });
  }

  /** Path of the journal when that is no longer the file that this process writes; else `null`. */
  missing(): string | null {
    try {
      const [now, ours] = [Deno.statSync(this.#path), this.#file.statSync()];
      return now.dev === ours.dev && now.ino === ours.ino ? null : this.#path;
    } catch (error) {
      return error instanceof Deno.errors.NotFound ? this.#path : null;
    }
  }

  #rewrite(): void {
    if (this.missing() !== null) return; // what is there now may be the journal of another runner
    try {
      this.#compact();
    } catch {
      // A full disk: the journal stays as it is.
    }
  }

  /** Writes what counts into a new file and puts that in the place of the old one; synchronous, so that no line is missed. */
  #compact(): void {
    let text = this.#server === null ? "" : written({ do: "server", id: this.#server });
    if (!this.#isWhole) text += written({ do: "whole", is: false });
    if (this.#forgottenUntil > 0) text += written({ do: "forget", until: this.#forgottenUntil });
    const ahead = Date.now() - performance.now();
    for (const { intent, end, settledAt } of this.#entries.values()) {
      text += written({ do: "intend", intent });
      if (end !== null) text += written({ do: "settle", run: intent.run, end, at: Math.round(settledAt + ahead) });
    }
    Deno.writeTextFileSync(`${this.#path}.new`, text, { mode: 0o600 });
    const file = openAppend(`${this.#path}.new`);
    file.syncDataSync();
    Deno.renameSync(`${this.#path}.new`, this.#path);
    this.#file.close();
    this.#file = file;
    this.#bytes = text.length;
    this.#torn = false;
    this.#sayNoted();
    syncFolder(this.#path);
  }

  async close(): Promise<void> {
    await this.#flushing;
    clearTimeout(this.#noting);
    this.#writeNotes();
    clearTimeout(this.#noting);
    this.#file.close();
  }
}

/** Bytes of the output that a settled run keeps on disk. */
function outputOf(end: SettledEnd | "gone" | null): number {
  return end === null || end === "gone" || !fitsResult(end.outputBytes) ? 0 : end.outputBytes;
}

/** A line of the journal. The line feed stands in front: what a full disk or a crash tore off spoils no later line. */
function written(line: Line): string {
  return "\n" + JSON.stringify(line);
}

function openAppend(path: string): Deno.FsFile {
  return Deno.openSync(path, { create: true, append: true, mode: 0o600 });
}

function syncFolder(path: string): void {
  const folder = Deno.openSync(path.slice(0, path.lastIndexOf("/")));
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}
