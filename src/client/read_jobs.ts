import { InvalidInputError } from "../domain/errors.ts";
import { readJson } from "../domain/json_text.ts";
import { type BadLine, type Line, orderJobs } from "./order_jobs.ts";
import { type Draft, readSubmission } from "./read_submission.ts";

/** Most bytes of a line: the largest payload, escaped, and the other fields. */
const MAX_LINE = 16 << 20;

/** Splits bytes at line ends; empty lines are kept, so that line numbers are right. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  const join = () => {
    const line = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      line.set(part, at);
      at += part.length;
    }
    parts = [];
    return line;
  };
  for await (const piece of input) {
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      parts.push(piece.subarray(from, end));
      yield join();
      from = end + 1;
    }
    if (from < piece.length) parts.push(piece.subarray(from));
  }
  if (parts.length > 0) yield join();
}

function decode(line: Uint8Array): string {
  if (line.length > MAX_LINE) {
    throw new InvalidInputError(`Cannot read job: its line has ${line.length} bytes, more than ${MAX_LINE}`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch {
    throw new InvalidInputError("Cannot read job: it is not UTF-8");
  }
}

/** Options of `readJobs`. */
export interface ReadJobsOptions {
  /** Throws `InvalidInputError` for a job that cannot be queued. */
  readonly check: (draft: Draft) => void;
  /** Returns which of some jobs exist already; when left out, a job may wait for any id that the file does not have. */
  readonly existing?: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
}

/**
 * Reads a file of jobs, one JSON object per line. Empty lines are skipped. Jobs may wait for others of the file in any
 * order; those for which others wait come first in the result.
 *
 * @param input The bytes of the file.
 * @param defaults Values for what a job leaves out.
 */
export async function readJobs(
  input: AsyncIterable<Uint8Array>,
  defaults: Draft,
  { check, existing }: ReadJobsOptions,
): Promise<{ drafts: Draft[]; bad: BadLine[] }> {
  const jobs: Line[] = [];
  const bad: BadLine[] = [];
  let number = 0;
  for await (const bytes of linesOf(input)) {
    number++;
    try {
      const text = decode(bytes).trim();
      if (text === "") continue;
      const draft = readSubmission(readJson(text, "Cannot read job"), defaults);
      check(draft);
      jobs.push({ line: number, draft });
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      bad.push({ line: number, reason: error.message });
    }
  }
  const ordered = await orderJobs(jobs, existing);
  bad.push(...ordered.bad);
  bad.sort((a, b) => a.line - b.line);
  return { drafts: ordered.drafts, bad };
}
