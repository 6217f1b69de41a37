import { InvalidInputError } from "./errors.ts";
import { checkJobId } from "./job_id.ts";
import { EXIT } from "./exit_codes.ts";
import { MAX_BATCH_ID } from "./limits.ts";

/** Variable with the index of a member, or with its number of `--array`. */
export const INDEX_VARIABLE = "RUNNER_INDEX";
/** Variable with the line of a member of `--each`. */
export const LINE_VARIABLE = "RUNNER_LINE";

/**
 * Numbers of members of a batch by what became of them. All those that ended count, also when they have left Redis.
 *
 * ```ts no-eval
 * import { type BatchCounts, Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const { ok, failed }: BatchCounts = (await client.batch("grid")).counts;
 * console.log(ok, failed);
 * ```
 */
export interface BatchCounts {
  /** Have not started, or wait for another attempt. */
  readonly queued: number;
  /** Run now. */
  readonly running: number;
  /** Exit code 0. */
  readonly ok: number;
  /** Another exit code. */
  readonly failed: number;
  /** Were stopped at their timeout. */
  readonly timedOut: number;
  /** Were cancelled. */
  readonly cancelled: number;
  /** Went with their host or their terminal. */
  readonly lost: number;
  /** Never started, because of another job or of their batch. */
  readonly skipped: number;
}

/** Returns the id of a member of a batch. */
export function memberId(batch: string, index: number): string {
  return `${batch}.${index}`;
}

/** Returns batch and index of an id that a member of a batch may have; `null` for any other. */
export function placeInBatch(id: string): { readonly batch: string; readonly index: number } | null {
  const [, batch, index] = /^(.+)\.([1-9]\d{0,15})$/s.exec(id) ?? [];
  return batch === undefined ? null : { batch, index: Number(index) };
}

/**
 * Checks an id that a user chose for a batch.
 *
 * @throws {InvalidInputError} The text cannot be one.
 */
export function checkBatchId(id: string): void {
  checkJobId(id);
  const bytes = new TextEncoder().encode(id).length;
  if (bytes <= MAX_BATCH_ID) return;
  throw new InvalidInputError(
    `Cannot use id ${JSON.stringify(id)}: it has ${bytes} bytes, and the id of a batch has at most ${MAX_BATCH_ID}`,
  );
}

/** By the word of a record: the name of the count, and the exit code of such a member; `failed` has its own. */
const WORDS: Readonly<Record<string, readonly [name: keyof BatchCounts, exit: number]>> = {
  q: ["queued", EXIT.ok],
  started: ["running", EXIT.ok],
  ok: ["ok", EXIT.ok],
  failed: ["failed", EXIT.failed],
  "timed-out": ["timedOut", EXIT.timedOut],
  cancelled: ["cancelled", EXIT.cancelled],
  lost: ["lost", EXIT.lost],
  skipped: ["skipped", EXIT.skipped],
};

/** Reads the counts of a record: its fields `n:WORD`, and `n:failed:CODE`. */
export function readCounts(
  fields: Readonly<Record<string, string>>,
): { readonly counts: BatchCounts; readonly highest: number } {
  const counts = { queued: 0, running: 0, ok: 0, failed: 0, timedOut: 0, cancelled: 0, lost: 0, skipped: 0 };
  let highest = 0;
  for (const [name, text] of Object.entries(fields)) {
    const [prefix, word, code] = name.split(":");
    const count = Number(text);
    if (prefix !== "n" || !Object.hasOwn(WORDS, word) || !(count > 0)) continue;
    const [key, exit] = WORDS[word];
    counts[key] += count;
    highest = Math.max(highest, code === undefined ? exit : Number(code) || exit);
  }
  return { counts, highest };
}
