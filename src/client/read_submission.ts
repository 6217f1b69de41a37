import { InvalidInputError } from "../domain/errors.ts";
import { parseDuration } from "../domain/duration.ts";
import type { Priority, Submission } from "../domain/submission.ts";
import { readTime } from "./read_time.ts";

/** A job before it is queued. */
export interface Draft {
  readonly submission: Submission;
  /** Seconds by Redis' clock, from its submission, before which it does not start. */
  readonly delay?: number;
}

function wrong(key: string, reason: string): InvalidInputError {
  return new InvalidInputError(`Cannot use key ${JSON.stringify(key)}: ${reason}`);
}

function asText(value: unknown, key: string): string {
  if (typeof value !== "string") throw wrong(key, "it must be a text");
  return value;
}

/** Returns ids, from one id or a list of ids. */
function asIds(value: unknown, key: string): string | readonly string[] {
  if (!Array.isArray(value)) return asText(value, key);
  if (!value.every((id) => typeof id === "string")) throw wrong(key, "it must be a text, or a list of texts");
  return value;
}

function asKeys(value: unknown, key: string): readonly string[] {
  const keys = asIds(value, key);
  return typeof keys === "string" ? [keys] : keys;
}

/** Returns seconds, from a number of seconds or a text like `5m`. */
function asSeconds(value: unknown, key: string): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string") throw wrong(key, 'it must be a number of seconds or a text like "5m"');
  return parseDuration(value);
}

function asTexts(value: unknown, key: string): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(key, "it must be an object");
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (!["string", "number", "boolean"].includes(typeof item)) {
        throw wrong(key, `${JSON.stringify(name)} in it must be a text, a number, true or false`);
      }
      return [name, String(item)];
    }),
  );
}

/**
 * Reads the delays between attempts: `2s..5m`, or one duration for all.
 *
 * @returns Seconds.
 * @throws {InvalidInputError} It is neither.
 */
export function readBackoff(text: string): { from: number; to: number } {
  const parts = text.split("..");
  if (parts.length > 2) {
    throw new InvalidInputError(`Cannot read backoff ${JSON.stringify(text)}: write for example 2s..5m`);
  }
  const from = parseDuration(parts[0]);
  return { from, to: parts.length === 2 ? parseDuration(parts[1]) : from };
}

/**
 * Reads the time at which a job may start.
 *
 * @returns Unix milliseconds.
 * @throws {InvalidInputError} It is not a time.
 */
export function readAt(text: string): number {
  const ms = readTime(text, "local");
  if (ms === null) {
    throw new InvalidInputError(
      `Cannot read time ${
        JSON.stringify(text)
      }: write for example 2026-01-31T18:30:00Z, or in local time 2026-01-31 18:30`,
    );
  }
  return ms;
}

function asPriority(value: unknown): Priority {
  if (value !== "high" && value !== "normal" && value !== "low") throw wrong("priority", "it is high, normal or low");
  return value;
}

type Reader = (value: unknown, key: string) => Partial<Submission> & { delay?: number };

/** Keys of a job in a file of jobs: names of the job's fields, and of the options of `submit`. */
const KEYS: Readonly<Record<string, Reader>> = {
  payload: (value, key) => ({ payload: asText(value, key) }),
  runner: (value, key) => ({ runner: asText(value, key) }),
  name: (value, key) => ({ runner: asText(value, key) }),
  executor: (value, key) => ({ executor: asText(value, key) }),
  id: (value, key) => ({ id: asText(value, key) }),
  caller_id: (value, key) => ({ callerId: asText(value, key) }),
  context_id: (value, key) => ({ contextId: asText(value, key) }),
  title: (value, key) => ({ title: asText(value, key) }),
  cwd: (value, key) => ({ cwd: asText(value, key) }),
  after: (value, key) => ({ after: asIds(value, key) }),
  after_end: (value, key) => ({ afterEnd: asIds(value, key) }),
  limits: (value, key) => ({ limits: asKeys(value, key) }),
  timeout: (value, key) => ({ timeout: asSeconds(value, key) }),
  keep: (value, key) => ({ keep: asSeconds(value, key) }),
  in: (value, key) => ({ delay: asSeconds(value, key) }),
  at: (value, key) => ({ notBeforeMs: readAt(typeof value === "number" ? String(value) : asText(value, key)) }),
  env_vars: (value, key) => ({ env: asTexts(value, key) }),
  labels: (value, key) => ({ labels: asTexts(value, key) }),
  priority: (value) => ({ priority: asPriority(value) }),
  backoff: (value, key) => ({ backoff: readBackoff(typeof value === "number" ? String(value) : asText(value, key)) }),
  retries: (value, key) => {
    if (typeof value !== "number") throw wrong(key, "it must be a number");
    return { retries: value };
  },
};

/** Merges both maps, the job's own values last; returns an empty object when there is neither. */
function joined(key: "env" | "labels", defaults: Partial<Submission>, own: Partial<Submission>): Partial<Submission> {
  return defaults[key] || own[key] ? { [key]: { ...defaults[key], ...own[key] } } : {};
}

/**
 * Reads one job of a file of jobs.
 *
 * @param value The JSON value of its line.
 * @param defaults Values for what it leaves out; environment and labels are merged, and the job's own values win.
 * @throws {InvalidInputError} It is no object, or a key is unknown or has a value of the wrong type.
 */
export function readSubmission(value: unknown, defaults: Draft): Draft {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidInputError("Cannot read job: it is no JSON object");
  }
  if ("runner" in value && "name" in value) throw wrong("name", 'it means the same as "runner"; write one of them');
  if ("in" in value && "at" in value) throw wrong("in", '"at" is there too; write one of them');
  let said: Partial<Submission> & { delay?: number } = {};
  for (const [key, item] of Object.entries(value)) {
    if (!Object.hasOwn(KEYS, key)) throw wrong(key, `a job has only ${Object.keys(KEYS).join(", ")}`);
    said = { ...said, ...KEYS[key](item, key) };
  }
  const { delay, ...own } = said;
  const timed = delay !== undefined || own.notBeforeMs !== undefined;
  const { notBeforeMs, ...rest } = defaults.submission;
  const submission: Submission = {
    ...rest,
    ...(timed || notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...own,
    ...joined("env", defaults.submission, own),
    ...joined("labels", defaults.submission, own),
  };
  const wait = timed ? delay : defaults.delay;
  return { submission, ...(wait === undefined ? {} : { delay: wait }) };
}
