import { metaNumber } from "../domain/job_meta.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { JobStore, OutputPiece, StoredJob } from "../ports/job_store.ts";
import type { KeptOutput } from "./kept_output.ts";
import type { RemoteOutput } from "./remote_output.ts";

/** Where to begin in the output of an attempt. */
export type OutputStart =
  /** At a byte offset; a negative one counts from the end of an output that has ended, or from the end so far. */
  | { readonly offset: number }
  /** So that at least this number of last lines follows. */
  | { readonly lines: number }
  /** At the first byte that was written at this time or later, Unix ms by Redis' clock. */
  | { readonly sinceMs: number };

/** The sources of an output. */
export interface StartSources {
  readonly store: JobStore;
  readonly job: StoredJob;
  /** The output of the ended attempt as its result has it; `null` while it runs. */
  readonly kept: KeptOutput | null;
  readonly host?: HostOutput;
  readonly remote?: Pick<RemoteOutput, "read">;
}

/** Bytes at the end of an output that are read first for its last lines; four times as many next, and so on. */
const WINDOW = 256 << 10;
const NEWLINE = 0x0a;

/** Returns the offset at which to begin. */
export async function startOf(start: OutputStart, sources: StartSources): Promise<number> {
  if ("offset" in start && start.offset >= 0) return start.offset;
  const pieces = await piecesOf(sources);
  if ("sinceMs" in start) return startSince(start.sinceMs, pieces, sources);
  const last = pieces.at(-1);
  const end = await endOf(last ? last.offset + last.bytes.length : 0, sources);
  if ("offset" in start) return Math.max(0, end + start.offset);
  return await startOfLines(start.lines, end, sources);
}

/** Returns the length of the output, so far when it runs: Redis may be behind. */
async function endOf(published: number, sources: StartSources): Promise<number> {
  const { kept, job } = sources;
  if (kept) return kept.total;
  if (isFinal(job.fields.status ?? "")) return new TextEncoder().encode(job.fields.result ?? "").length;
  return await reading(sources, async (read) => {
    for (let end = published;;) {
      const bytes = await read(end, Infinity);
      if (bytes.length === 0) return end;
      end += bytes.length;
    }
  });
}

/** Returns the pieces of the attempt that Redis has, oldest first. */
async function piecesOf({ store, job }: StartSources): Promise<OutputPiece[]> {
  const all: OutputPiece[] = [];
  for (let cursor = "";;) {
    const pieces = await store.output(job.id, cursor);
    if (pieces.length === 0) break;
    cursor = pieces.at(-1)!.cursor;
    all.push(...pieces);
  }
  return all.filter(({ attempt }) => attempt === metaNumber(job.meta.attempt, 0));
}

/** A piece has the time at which it was published, and holds what was written since the piece before it. */
function startSince(sinceMs: number, pieces: readonly OutputPiece[], { job, kept }: StartSources): number {
  if (kept && metaNumber(job.meta.ended_ms, Infinity) < sinceMs) return kept.total;
  const older = pieces.findLast(({ cursor }) => Number.parseInt(cursor) < sinceMs);
  if (older) return older.offset + older.bytes.length;
  // without any older piece all was written since, or the times of its beginning are gone
  return metaNumber(job.meta.started_ms, 0) >= sinceMs ? 0 : pieces[0]?.offset ?? 0;
}

/** Reads windows before the end, each larger than the last one, until one has enough lines. */
async function startOfLines(lines: number, end: number, sources: StartSources): Promise<number> {
  for (let size = WINDOW;; size *= 4) {
    const from = Math.max(0, end - size);
    const count = await linesBetween(from, end, sources);
    if (count === null) return 0;
    if (count > lines || from === 0) return from;
  }
}

/** Counts the line ends between two offsets; `null` when a part of that is not available. */
async function linesBetween(from: number, to: number, sources: StartSources): Promise<number | null> {
  return await reading(sources, async (read) => {
    let count = 0;
    for (let offset = from; offset < to;) {
      const bytes = (await read(offset, to)).subarray(0, to - offset);
      if (bytes.length === 0) return null;
      for (const byte of bytes) if (byte === NEWLINE) count++;
      offset += bytes.length;
    }
    return count;
  });
}

/** Calls `work` with a function that reads bytes from an offset on, up to another one, from the nearest source. */
async function reading<T>(
  { job, kept, host, remote }: StartSources,
  work: (read: (offset: number, to: number) => Promise<Uint8Array>) => Promise<T>,
): Promise<T> {
  const here = await host?.open(job) ?? null;
  try {
    return await work(async (offset, to) => {
      const { tail, head } = kept ?? {};
      if (tail?.exact && offset >= tail.start) return tail.bytes.subarray(offset - tail.start);
      if (head?.exact && offset < head.end) return head.bytes.subarray(offset);
      const limit = Math.min(to - offset, WINDOW);
      let part = await here?.read(offset, limit);
      if (!part || part.bytes.length === 0) part = await remote?.read(job, offset, limit);
      // nothing before a gap is shown
      return part?.offset === offset ? part.bytes : new Uint8Array();
    });
  } finally {
    here?.close();
  }
}
