import { MIN_OUTPUT_LIMIT } from "../../../domain/limits.ts";
import type { Files, OpenFile } from "../../../ports/files.ts";
import type { SpoolFiles } from "../spool.ts";

/** Least size of a log with parts, bytes: no limit makes its first half smaller (log.sh). */
const LEAST_WITH_PARTS = MIN_OUTPUT_LIMIT / 8;

/** What is gone from a log between its first half and its first part. */
export interface Gap {
  /** Number of the first part that is left. */
  readonly first: number;
  /** Bytes of output; a CR at the end of the first half is counted as well. */
  readonly bytes: number;
}

/**
 * The log of a lane, as log.sh writes it: one file, and beyond the limit of an output parts that follow it, of which
 * only the newest stay.
 */
export class LaneLog {
  readonly #files: Files;
  readonly #spool: SpoolFiles;
  readonly #lane: string;
  /** Its first half; `null` when that cannot be opened. */
  readonly #file: OpenFile | null;

  private constructor(files: Files, spool: SpoolFiles, { lane, file }: { lane: string; file: OpenFile | null }) {
    this.#files = files;
    this.#spool = spool;
    this.#lane = lane;
    this.#file = file;
  }

  /** Opens the log of a lane; rejects when it cannot be read. */
  static async open(files: Files, spool: SpoolFiles, lane: string): Promise<LaneLog> {
    return new LaneLog(files, spool, { lane, file: await files.open(spool.laneLog(lane), "read") });
  }

  /** Returns what stands for a log that cannot be read: it is empty. */
  static none(files: Files, spool: SpoolFiles, lane: string): LaneLog {
    return new LaneLog(files, spool, { lane, file: null });
  }

  /** Whether it can be read. */
  get isThere(): boolean {
    return this.#file !== null;
  }

  /** Returns the size of its first half: all of it up to the limit. */
  async size(): Promise<number> {
    return await this.#file?.size() ?? 0;
  }

  /** Reads from one of its files: the first half, 0, or a part; `null` when that is gone. */
  async read(part: number, buffer: Uint8Array, offset: number): Promise<number | null> {
    if (part === 0) return await this.#file?.read(buffer, offset) ?? 0;
    let file: OpenFile;
    try {
      file = await this.#files.open(this.#spool.laneLogPart(this.#lane, part), "read");
    } catch {
      return null;
    }
    try {
      return await file.read(buffer, offset);
    } finally {
      file.close();
    }
  }

  /** Returns whether there is a part. */
  async hasPart(part: number): Promise<boolean> {
    return await this.#files.stat(this.#spool.laneLogPart(this.#lane, part)) !== null;
  }

  /** Returns whether it has parts, now or before. */
  async hasParts(): Promise<boolean> {
    return await this.hasPart(1) || await this.gap() !== null;
  }

  /** Returns what is gone; `null` when everything is there. */
  async gap(): Promise<Gap | null> {
    const text = await this.#files.readText(this.#spool.laneGap(this.#lane)).catch(() => null);
    const [first, bytes] = text?.split(" ").map(Number) ?? [];
    return first > 0 && bytes > 0 ? { first, bytes } : null;
  }

  close(): void {
    this.#file?.close();
  }
}

/** Reads a log forwards. The writer may remove what was not read yet. */
export class LogCursor {
  readonly #log: LaneLog;
  /** The file that is read, and the position in it. */
  #part = 0;
  #at: number;

  /** @param position Where it begins: in the first half. */
  constructor(log: LaneLog, position: number) {
    this.#log = log;
    this.#at = position;
  }

  /** Whether nothing behind the first half has been read. */
  get isInFirstHalf(): boolean {
    return this.#part === 0;
  }

  /**
   * Reads the next bytes. Returns their number, 0 when there are none now; or what is gone in all, when bytes before
   * the next ones are.
   */
  async read(buffer: Uint8Array): Promise<number | Gap> {
    const count = await this.#read(buffer);
    if (count !== null && (count > 0 || this.#part === 0 && this.#at < LEAST_WITH_PARTS)) return count ?? 0;
    const gap = await this.#log.gap();
    const next = Math.max(this.#part + 1, gap?.first ?? 1);
    if (!await this.#log.hasPart(next)) return 0;
    // the writer has left this file by now: it may have written more into it before
    const rest = await this.#read(buffer);
    if (rest !== null && rest > 0) return rest;
    const isGap = gap !== null && (rest === null || next > this.#part + 1);
    this.#part = next;
    this.#at = 0;
    return isGap ? gap : await this.#read(buffer) ?? 0;
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#log.read(this.#part, buffer, this.#at);
    this.#at += count ?? 0;
    return count;
  }
}
