import { RESULT_PART } from "./limits.ts";

/** Output of an attempt as far as a result needs it; bytes as the program wrote them. */
export interface OutputSample {
  /** Bytes that the program wrote. */
  readonly total: number;
  /** The first bytes: all of them when `total` is at most twice `RESULT_PART`, else `RESULT_PART` of them. */
  readonly head: Uint8Array;
  /** The last `RESULT_PART` bytes; empty when `head` holds everything. */
  readonly tail: Uint8Array;
  /** Part of the output was not captured: the terminal went away or the disk was full. */
  readonly truncated: boolean;
  /** A full disk refused the file of the output: nothing but this sample has it. */
  readonly unsaved?: true;
}

/** A sample with nothing in it. */
export const NO_OUTPUT: OutputSample = {
  total: 0,
  head: new Uint8Array(),
  tail: new Uint8Array(),
  truncated: false,
};

/**
 * Bytes as text that every reader can take: invalid UTF-8 and NUL become U+FFFD. A character that the borders of a
 * sample cut in two is left out rather than garbled.
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

/** The line that stands for the middle of an output that is too large for a result. */
export function missingLine(missing: number, total: number): string {
  return `\n[${missing} bytes missing here: the middle of ${total}]\n`;
}

/** Says of an output that it is truncated. */
export const NOT_CAPTURED = "part of it was not captured: the disk of the spool was full, or the terminal went away";

/** The line at the end of a result whose output was not captured whole. */
export const TRUNCATED_LINE = "\n[output truncated: part of it was not captured]\n";

/**
 * The text for the job's `result` field: the whole output, or head and tail with a line between them that says how much
 * is missing. Always valid UTF-8 without NUL.
 */
export function resultText(sample: OutputSample): string {
  const end = sample.truncated ? TRUNCATED_LINE : "";
  const missing = sample.total - sample.head.length - sample.tail.length;
  if (missing <= 0 && sample.tail.length === 0) return decode(sample.head, {}) + end;
  return decode(sample.head, { end: missing > 0 }) +
    missingLine(missing, sample.total) +
    decode(sample.tail, { start: missing > 0 }) + end;
}

/** Whether a result holds the whole output of that many bytes. */
export function fitsResult(total: number): boolean {
  return total <= 2 * RESULT_PART;
}

/** Whether a result shows these bytes exactly: they are UTF-8 without NUL. */
export function isExact(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
