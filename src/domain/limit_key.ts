import { InvalidInputError } from "./errors.ts";
import { MAX_LIMITS } from "./limits.ts";
import { readRunnerName } from "./runner_name.ts";

/** What precedes the name of a runner in the key of a limit of its queue. */
const OF_QUEUE = "runner:";
/** What precedes the id of a batch in the key of its limit. */
const OF_BATCH = "batch:";
const FORM = /^[A-Za-z0-9_][A-Za-z0-9_.\/-]{0,99}$/;

/**
 * Returns the key of a limit that a job can have. No such key has a colon, so that no job can name a limit of a queue
 * or of a batch.
 *
 * @throws {InvalidInputError} The text is no such key.
 */
export function readLimitKey(text: string): string {
  if (FORM.test(text)) return text;
  throw new InvalidInputError(
    `Cannot use limit ${
      JSON.stringify(text)
    }: a key has up to 100 letters, digits, "_", ".", "/" and "-", and begins with a letter, a digit or "_"`,
  );
}

/**
 * Returns the key of a limit that can be set: that of a job, or `runner:NAME`.
 *
 * @throws {InvalidInputError} The text is no such key.
 */
export function readSettableLimit(text: string): string {
  if (!text.startsWith(OF_QUEUE)) return readLimitKey(text);
  return OF_QUEUE + readRunnerName(text.slice(OF_QUEUE.length));
}

/** Returns the name of the runner whose queue a limit is of; `null` for a limit of jobs. */
export function queueOfLimit(key: string): string | null {
  return key.startsWith(OF_QUEUE) ? key.slice(OF_QUEUE.length) : null;
}

/** Returns the key of the limit of a queue. */
export function limitOfQueue(runner: string): string {
  return OF_QUEUE + runner;
}

/** Returns the key of the limit of a batch. */
export function limitOfBatch(id: string): string {
  return OF_BATCH + id;
}

/** Returns the id of the batch whose members a limit counts; `null` for another limit. */
export function batchOfLimit(key: string): string | null {
  return key.startsWith(OF_BATCH) ? key.slice(OF_BATCH.length) : null;
}

/**
 * Checks the limits of a job, and returns each once.
 *
 * @throws {InvalidInputError} One is no key, or there are too many.
 */
export function readLimits(keys: readonly string[]): readonly string[] {
  const each = [...new Set(keys.map(readLimitKey))];
  if (each.length <= MAX_LIMITS) return each;
  throw new InvalidInputError(`Cannot use ${each.length} limits: a job has at most ${MAX_LIMITS}`);
}

/** A permit of an attempt: its number, and the limit. */
export interface Permit {
  readonly number: number;
  readonly key: string;
}

/**
 * Reads the permits of an attempt from the field `permits` of its job metadata, in the order of its limits. The limit
 * of its queue has none.
 */
export function permitsOf(text = ""): Permit[] {
  return text.split("\n").flatMap((line) => {
    const [, number, key] = /^(\d+) \d+ \d+ (.+)$/.exec(line) ?? [];
    return key === undefined ? [] : [{ number: Number(number), key }];
  });
}
