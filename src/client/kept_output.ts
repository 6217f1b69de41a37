import { metaNumber } from "../domain/job_meta.ts";
import { RESULT_PART } from "../domain/limits.ts";
import { fitsResult, isExact, missingLine, TRUNCATED_LINE } from "../domain/output.ts";
import type { StoredJob } from "../ports/job_store.ts";

/** The start or the end of an output, decoded to text and encoded again. */
interface Part {
  readonly bytes: Uint8Array;
  /**
   * Whether the bytes certainly equal those of the output; else some may have been no text: offsets are meaningless.
   */
  readonly exact: boolean;
}

/** The output of the newest attempt of an ended job, as far as the job's result holds it. */
export interface KeptOutput {
  readonly attempt: number;
  /** Number of bytes that the attempt wrote. */
  readonly total: number;
  /** The start; the complete output when there is no tail. `end` is the offset behind it. */
  readonly head: Part & { readonly end: number };
  /** The end of a long output, from offset `start` on. */
  readonly tail: (Part & { readonly start: number }) | null;
  /** Line at the end of the result which says that part of the output was not captured; else empty. */
  readonly note: Uint8Array;
}

const encoder = new TextEncoder();

/**
 * Returns one side of a long output. A character that was split at the cut is left out of the result, and its bytes
 * count as missing.
 */
function cutPart(text: string): Part {
  return { bytes: encoder.encode(text), exact: isExact(text) };
}

/** Reads the result of an ended job as output; `null` when its bytes were not counted, as with a foreign runner. */
export function keptOutputOf(job: StoredJob): KeptOutput | null {
  if (job.meta.output_bytes === undefined) return null;
  const total = metaNumber(job.meta.output_bytes, 0);
  const result = job.fields.result ?? "";
  // a job may print such a line itself
  const truncated = job.meta.truncated === "1" && result.endsWith(TRUNCATED_LINE);
  const text = truncated ? result.slice(0, -TRUNCATED_LINE.length) : result;
  const common = {
    attempt: Number(job.meta.attempt ?? 0),
    total,
    note: encoder.encode(truncated ? TRUNCATED_LINE : ""),
  };
  if (fitsResult(total)) {
    const bytes = encoder.encode(text);
    return { ...common, head: { bytes, exact: isExact(text) && bytes.length === total, end: total }, tail: null };
  }
  const marker = missingLine(total - 2 * RESULT_PART, total);
  const at = text.indexOf(marker);
  const head = cutPart(at < 0 ? text : text.slice(0, at));
  const tail = cutPart(at < 0 ? "" : text.slice(at + marker.length));
  return {
    ...common,
    head: { ...head, end: head.exact ? head.bytes.length : RESULT_PART },
    tail: { ...tail, start: total - (tail.exact ? tail.bytes.length : RESULT_PART) },
  };
}
