import type { Attempt, AttemptJournal, JournalRecord, SettledEnd } from "../ports/attempt_journal.ts";
import { Reserve } from "./reserve.ts";
import {
  blank,
  encoder,
  joined,
  type Line,
  linesOf,
  openAppend,
  outputOf,
  type Place,
  publicPart,
  type Secret,
  syncFolder,
  whole,
  writeSync,
  written,
} from "./journal_lines.ts";

/** Time for which settled attempts are kept, milliseconds, to be reported again to a Redis that lost data. */
const KEEP_MS = 10 * 60_000;
/** Settled attempts that are kept at most. */
const KEEP_COUNT = 4096;
/** Characters of the settled attempts that are kept at most. */
const KEEP_SIZE = 16 << 20;
/** Bytes of the outputs that stay on disk as long as their records do, because a result is to be reported again. */
const KEEP_OUTPUT = 256 << 20;
/** Bytes above which the journal is rewritten, if it holds more old data than live. */
const COMPACT_ABOVE = 4 << 20;
/** Time for which a note may wait to be written with others, milliseconds. */
const NOTE_WITHIN = 20;
/** Pause between two tries to rewrite a journal with a torn line on a full disk, milliseconds. */
const MEND_EVERY = 1000;

interface Entry {
  attempt: Attempt;
  end: SettledEnd | "gone" | null;
  /** Monotonic time at which it was settled; 0 before. */
  settledAt: number;
  /** Characters of its lines. */
  size: number;
  /** Position of the line with payload and environment; `null` once it has been erased. */
  secret: Place | null;
}

/**
 * A write-ahead journal with one JSON object per line, mode 0600. Attempts that begin at the same time reach the disk
 * with one `fdatasync`. A torn last line, as a crash of the host may leave, counts as a step that never happened.
 * Payload and environment have a line of their own, which is overwritten with spaces when the attempt is settled:
 * nothing needs them afterwards.
 */
export class FileJournal implements AttemptJournal {
  readonly #path: string;
  readonly #reserve: Reserve;
  #file: Deno.FsFile;
  /** The same file, opened for writes in its middle. */
  #eraser: Deno.FsFile;
  readonly #entries = new Map<string, Entry>();
  #server: string | null = null;
  #isWhole = true;
  #forgottenUntil = 0;
  #bytes = 0;
  #liveBytes = 0;
  /** Characters of settled attempts. */
  #settledSize = 0;
  /** Bytes of the outputs that settled attempts keep. */
  #outputSize = 0;
  /** Settled attempts that were forgotten since the last call of `prune`. */
  #forgotten: string[] = [];
  /** True after a line did not reach the file: then the file is to be rewritten. */
  #isTorn = false;
  #batch: { lines: string[]; done: PromiseWithResolvers<Place>[] } | null = null;
  #flushing: Promise<void> | null = null;
  /** Lines that are written soon, or with the next batch. */
  #notes = "";
  /** Positions of lines to be erased once the notes are in the file. */
  #stale: Place[] = [];
  /** Settled attempts of jobs to be tried again, by job: they keep their secrets until the next one begins here. */
  readonly #retried = new Map<string, string>();
  #noting: ReturnType<typeof setTimeout> | undefined;
  /** Resolve the promises of `settle` when the notes are in the file. */
  #noted: (() => void)[] = [];

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
    this.#reserve = new Reserve(`${path}.reserve`);
    this.#eraser = Deno.openSync(path, { write: true });
  }

  /**
   * Opens the journal in an instance's folder.
   *
   * @param expected True when an earlier process of this folder had a journal: if it is missing, it was lost.
   */
  static async open(dir: string, { expected = false } = {}): Promise<FileJournal> {
    const path = `${dir}/runs.jsonl`;
    const lost = expected && !await Deno.stat(path).then(() => true, () => false);
    const journal = new FileJournal(path, openAppend(path));
    await journal.#load();
    if (lost) journal.#isWhole = false;
    journal.#drop({ gone: false }); // too old to be reported again
    try {
      journal.#compact();
    } catch (error) {
      if (!journal.#reserve.spend()) throw error;
      journal.#compact();
    }
    journal.#reserve.keep();
    return journal;
  }

  async #load(): Promise<void> {
    const text = await Deno.readTextFile(this.#path);
    const secrets = new Map<string, { of: Secret; size: number }>();
    const torn: string[] = [];
    for (const line of text.split("\n")) {
      if (line.trimStart() === "") continue;
      let step: Line;
      try {
        step = JSON.parse(line);
      } catch {
        continue; // torn: its promise was never resolved
      }
      if (step.do === "secret") secrets.set(step.name, { of: step.of, size: line.length });
      else if (step.do === "begin") {
        const { of, size = 0 } = secrets.get(step.attempt.name) ?? {};
        if (step.secret && !of) torn.push(step.attempt.name);
        // the position is set when the file is rewritten, before anything is erased
        this.#remember(whole(step.attempt, of), line.length + size, of ? { at: 0, length: 0, size } : null);
      } else if (step.do === "settle") this.#settled(step.name, step.end, step.at);
      else if (step.do === "forget") this.#forgottenUntil = Math.max(this.#forgottenUntil, step.until);
      else if (step.do === "whole") this.#isWhole = step.is;
      else this.#server = step.id;
    }
    // a settled attempt has its secret erased; without an end, the attempt is a step that never happened
    for (const name of torn) {
      const entry = this.#entries.get(name);
      if (entry?.end !== null) continue;
      this.#liveBytes -= entry.size;
      this.#entries.delete(name);
    }
  }

  #remember(attempt: Attempt, size: number, secret: Place | null): void {
    const before = this.#entries.get(this.#retried.get(attempt.id) ?? "");
    if (before) this.#strip(before);
    this.#retried.delete(attempt.id);
    this.#entries.set(attempt.name, { attempt, end: null, settledAt: 0, size, secret });
    this.#liveBytes += size;
  }

  /** Forgets the secrets of an attempt, and erases them in the file. */
  #strip(entry: Entry): void {
    const { secret } = entry;
    if (secret === null) return;
    entry.attempt = publicPart(entry.attempt);
    entry.secret = null;
    entry.size -= secret.size;
    this.#liveBytes -= secret.size;
    if (entry.end !== null) this.#settledSize -= secret.size;
    this.#stale.push(secret);
    this.#noting ??= setTimeout(() => this.#writeNotes(), NOTE_WITHIN);
  }

  /** Records an end. `at` is Unix time, milliseconds, as a monotonic clock does not outlive the process. */
  #settled(name: string, end: SettledEnd | "gone", at: number): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    if (entry.end === null) this.#settledSize += entry.size;
    this.#outputSize += outputOf(end) - outputOf(entry.end);
    entry.end = end;
    entry.settledAt = performance.now() - Math.max(0, Date.now() - at);
    this.#entries.delete(name); // settled attempts are in the order of their ends
    this.#entries.set(name, entry);
    if (end === "gone" || !end.retry) this.#strip(entry);
    else this.#retried.set(entry.attempt.id, name);
  }

  get server(): string | null {
    return this.#server;
  }

  syncedWith(server: string): void {
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

  records(): readonly JournalRecord[] {
    return [...this.#entries.values()];
  }

  find(name: string): JournalRecord | undefined {
    return this.#entries.get(name);
  }

  begin(attempt: Attempt): Promise<void> {
    const lines = linesOf(attempt);
    const done = Promise.withResolvers<Place>();
    this.#batch ??= { lines: [], done: [] };
    this.#batch.lines.push(...lines);
    this.#batch.done.push(done);
    this.#flushing ??= this.#flush();
    return done.promise.then((secret) => this.#remember(attempt, lines[0].length + lines[1].length, secret));
  }

  /** Writes what was collected while the last batch was being written. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // one batch for attempts of the same turn
    while (this.#batch) {
      const { lines, done } = this.#batch;
      this.#batch = null;
      try {
        const places = this.#append(lines);
        await this.#file.syncData();
        done.forEach(({ resolve }, i) => resolve(places[2 * i]));
      } catch (error) {
        for (const { reject } of done) reject(error);
      }
    }
    this.#flushing = null;
  }

  /** Writes notes and lines into the page cache, without a change of thread. Returns the positions of the lines. */
  #append(lines: readonly string[] = []): Place[] {
    const [notes, ...parts] = [this.#notes, ...lines].map((text) => encoder.encode(text));
    this.#notes = "";
    let at = this.#bytes + notes.length;
    const places = parts.map(({ length }, i) => ({ at: (at += length) - length, length, size: lines[i].length }));
    this.#bytes = at;
    try {
      writeSync(this.#file, joined([notes, ...parts]));
      if (!this.#isTorn) this.#resolveNoted();
    } catch (error) {
      this.#isTorn = true;
      throw error;
    }
    this.#erase();
    return places;
  }

  /** Erases lines of attempts whose end is in the file. After a torn line no position is sure: all is rewritten. */
  #erase(): void {
    if (this.#isTorn) return;
    try {
      for (const place of this.#stale.splice(0)) blank(this.#eraser, place);
    } catch {
      this.#isTorn = true;
    }
  }

  /** Resolves the promises of `settle`: all notes are in the file. */
  #resolveNoted(): void {
    for (const resolve of this.#noted.splice(0)) resolve();
  }

  settle(name: string, end: SettledEnd | "gone"): Promise<void> {
    if (!this.#entries.has(name)) return Promise.resolve();
    const at = Date.now();
    this.#settled(name, end, at);
    this.#note({ do: "settle", name, end, at });
    const noted = new Promise<void>((resolve) => this.#noted.push(resolve));
    if (this.#settledSize > KEEP_SIZE || this.#outputSize > KEEP_OUTPUT) this.#tidy();
    return noted;
  }

  /** Adds a line to the notes, which are written soon. */
  #note(line: Line): void {
    this.#noting ??= setTimeout(() => this.#writeNotes(), NOTE_WITHIN);
    this.#notes += written(line);
  }

  #writeNotes(): void {
    this.#noting = undefined;
    if (this.#isTorn && !this.#flushing) this.#rewrite();
    try {
      if (!this.#isTorn) this.#append();
    } catch {
      // a full disk: the notes are written when there is space again
    }
    if (this.#isTorn) this.#noting = setTimeout(() => this.#writeNotes(), MEND_EVERY);
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
    if ((stale || this.#isTorn) && !this.#flushing) this.#rewrite();
    if (!this.#isTorn) this.#reserve.keep();
  }

  /** Forgets what is too old or too much; with `gone` also the attempts that are no longer ours. */
  #drop(what: { readonly gone: boolean }): void {
    const settled = [...this.#entries.values()].filter((entry) => entry.end !== null);
    let count = settled.length;
    const before = this.#forgottenUntil;
    for (const entry of settled) {
      const old = performance.now() - entry.settledAt > KEEP_MS;
      const fits = count <= KEEP_COUNT && this.#settledSize <= KEEP_SIZE && this.#outputSize <= KEEP_OUTPUT;
      if (!old && fits && !(what.gone && entry.end === "gone")) continue;
      count--;
      this.#strip(entry);
      if (this.#retried.get(entry.attempt.id) === entry.attempt.name) this.#retried.delete(entry.attempt.id);
      this.#outputSize -= outputOf(entry.end);
      this.#settledSize -= entry.size;
      this.#liveBytes -= entry.size;
      this.#entries.delete(entry.attempt.name);
      this.#forgotten.push(entry.attempt.name);
      this.#forgottenUntil = Math.max(this.#forgottenUntil, entry.attempt.startedMs);
    }
    if (this.#forgottenUntil > before) this.#note({ do: "forget", until: this.#forgottenUntil });
  }

  /** Returns the path of the journal when that is no longer the file that this process writes; else `null`. */
  missing(): string | null {
    try {
      const [now, ours] = [Deno.statSync(this.#path), this.#file.statSync()];
      return now.dev === ours.dev && now.ino === ours.ino ? null : this.#path;
    } catch (error) {
      return error instanceof Deno.errors.NotFound ? this.#path : null;
    }
  }

  #rewrite(): void {
    if (this.missing() !== null) return; // the file at this path may be another runner's journal
    try {
      this.#compact();
    } catch {
      // A full disk: the journal stays as it is, unless ends wait to be written.
      if (this.#noted.length > 0 && this.#reserve.spend()) this.#rewrite();
    }
  }

  /** Replaces the file by a new one with the live records; synchronous, so that no line is missed. */
  #compact(): void {
    let text = this.#server === null ? "" : written({ do: "server", id: this.#server });
    if (!this.#isWhole) text += written({ do: "whole", is: false });
    if (this.#forgottenUntil > 0) text += written({ do: "forget", until: this.#forgottenUntil });
    const ahead = Date.now() - performance.now();
    const parts = [encoder.encode(text)];
    let at = parts[0].length;
    const add = (line: string) => {
      const { length } = parts[parts.push(encoder.encode(line)) - 1];
      return { at: (at += length) - length, length, size: line.length };
    };
    const places = new Map<Entry, Place>();
    for (const entry of this.#entries.values()) {
      const { attempt, end, settledAt } = entry;
      const [secret, line] = linesOf(attempt);
      if (entry.secret !== null) places.set(entry, add(secret));
      add(line);
      if (end !== null) add(written({ do: "settle", name: attempt.name, end, at: Math.round(settledAt + ahead) }));
    }
    Deno.writeFileSync(`${this.#path}.new`, joined(parts), { mode: 0o600 });
    const file = openAppend(`${this.#path}.new`);
    file.syncDataSync();
    Deno.renameSync(`${this.#path}.new`, this.#path);
    for (const one of [this.#file, this.#eraser]) one.close();
    this.#file = file;
    this.#eraser = Deno.openSync(this.#path, { write: true });
    for (const [entry, place] of places) entry.secret = place;
    this.#stale = [];
    this.#bytes = at;
    this.#isTorn = false;
    this.#resolveNoted();
    syncFolder(this.#path);
  }

  async close(): Promise<void> {
    await this.#flushing;
    clearTimeout(this.#noting);
    this.#writeNotes();
    clearTimeout(this.#noting);
    for (const one of [this.#file, this.#eraser]) one.close();
  }
}
