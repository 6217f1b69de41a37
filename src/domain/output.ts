import { RESULT_PART } from "./limits.ts";

/** The parts of an attempt's output that a result needs; bytes as the program wrote them. */
export interface OutputSample {
  /** Number of bytes that the program wrote. */
  readonly total: number;
  /** The first bytes: all of them when `total` is at most twice `RESULT_PART`, else `RESULT_PART` of them. */
  readonly head: Uint8Array;
  /** The last `RESULT_PART` bytes; empty when `head` holds everything. */
  readonly tail: Uint8Array;
  /** Part of the output was not captured: the terminal went away or the disk was full. */
  readonly truncated: boolean;
  /** The output file could not be written because the disk was full: this sample is the only copy. */
  readonly unsaved?: true;
}

/** A part of an output. */
export interface OutputPart {
  /** Offset of the first byte in the whole output; greater than the requested one when the bytes before are gone. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** When the whole output was removed to make room for newer ones, Unix ms; then there are no bytes. */
  readonly removedMs?: number;
}

/** An empty sample. */
export const NO_OUTPUT: OutputSample = {
  total: 0,
  head: new Uint8Array(),
  tail: new Uint8Array(),
  truncated: false,
};

/**
 * Decodes bytes to text that every client can read: invalid UTF-8 and NUL become U+FFFD. A character that is split at
 * the edge of a sample is left out rather than garbled.
 */
function decode(bytes: Uint8Array, cut: { start?: boolean; end?: boolean }): string {
  let from = 0;
  let to = bytes.length;
  if (cut.start) { while (from < Math.min(3, to) && (bytes[from] & 0xc0) === 0x80) from++; }
  if (cut.end) {
    for (let back = 1; back <= Math.min(3, to); back++) {
      const byte = bytes[to - back];
      if ((byte & 0xc0) === 0x80) continue;
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      if (length > back) to -= back;
      break;
    }
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return decoder.decode(bytes.subarray(from, to)).replaceAll("\0", "\ufffd");
}

/** Returns the line that replaces the middle of an output that is too large for a result. */
export function missingLine(missing: number, total: number): string {
  return `\n[${missing} bytes missing here: the middle of ${total}]\n`;
}

/** Text that explains to people why an output is truncated. */
export const NOT_CAPTURED = "part of it was not captured: the disk of the spool was full, or the terminal went away";

/** The last line of a result whose output was not captured completely. */
export const TRUNCATED_LINE = "\n[output truncated: part of it was not captured]\n";

/**
 * Returns the text of the job's `result` field: the whole output, or head and tail around a line that gives the number
 * of missing bytes. It is always valid UTF-8 without NUL.
 */
export function resultText(sample: OutputSample): string {
  const end = sample.truncated ? TRUNCATED_LINE : "";
  const missing = sample.total - sample.head.length - sample.tail.length;
  if (missing <= 0 && sample.tail.length === 0) return decode(sample.head, {}) + end;
  return decode(sample.head, { end: missing > 0 }) +
    missingLine(missing, sample.total) +
    decode(sample.tail, { start: missing > 0 }) + end;
}

/** Returns whether a result holds an output of that many bytes completely. */
export function fitsResult(total: number): boolean {
  return total <= 2 * RESULT_PART;
}

/**
 * Returns whether a text from a result certainly equals the output. U+FFFD has three bytes, as a broken character may
 * have: neither the text nor its length shows whether the program wrote it.
 */
export function isExact(text: string): boolean {
  return !text.includes("\ufffd");
}
