import { InvalidInputError } from "./errors.ts";
import { DEFAULT_EXECUTOR, MAX_RUN_PAYLOAD, MAX_TIMEOUT } from "./limits.ts";

/** Fields of a job in Redis, in display order; other programs depend on these names. */
export const JOB_FIELDS = [
  "id",
  "caller_id",
  "context_id",
  "runner",
  "executor",
  "payload",
  "status",
  "result",
  "error",
  "timeout",
  "env_vars",
  "created_at",
  "updated_at",
] as const;

/** A name among `JOB_FIELDS`. */
export type JobField = typeof JOB_FIELDS[number];

/** A job as stored in Redis: every value is text, and a foreign client may have left out any field. */
export type JobFields = Partial<Record<JobField, string>>;

/** What a runner needs to run a job, read from its fields. */
export interface Work {
  /** Id of the job. */
  readonly id: string;
  /** Executor string, such as `tmux.main`. */
  readonly executor: string;
  /** Shell text. */
  readonly payload: string;
  /** Environment of the job. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds after which the job is stopped; `null` for no limit. */
  readonly timeout: number | null;
  /** Messages for the log about invalid values that were replaced. */
  readonly warnings: readonly string[];
}

/**
 * Reads what is needed to run a job. Missing fields get their defaults.
 *
 * @param id Id of the job; the `id` field is not trusted.
 * @param fields Its fields as found in Redis.
 * @param defaultTimeout Seconds for a job without a valid timeout; `null` for no limit.
 * @throws {InvalidInputError} The job cannot be run; the message is meant for its `error` field.
 */
export function readWork(id: string, fields: JobFields, defaultTimeout: number | null): Work {
  const payload = fields.payload ?? "";
  if (payload.includes("\0")) throw new InvalidInputError("Cannot run job: its payload holds a NUL character");
  const size = new TextEncoder().encode(payload).length;
  if (size > MAX_RUN_PAYLOAD) {
    throw new InvalidInputError(`Cannot run job: its payload has ${size} bytes, more than ${MAX_RUN_PAYLOAD}`);
  }
  const warnings: string[] = [];
  return {
    id,
    executor: fields.executor || DEFAULT_EXECUTOR,
    payload,
    env: readEnv(fields.env_vars ?? ""),
    timeout: readTimeout(fields.timeout ?? "", defaultTimeout, warnings),
    warnings,
  };
}

function readTimeout(text: string, fallback: number | null, warnings: string[]): number | null {
  if (text === "") return fallback;
  const seconds = Number(text);
  if (!(seconds > 0)) {
    if (text !== "0") warnings.push(`timeout ${JSON.stringify(text)} is no number of seconds above 0`);
    return fallback;
  }
  if (seconds > MAX_TIMEOUT) {
    warnings.push(`timeout ${text} is above the limit of ${MAX_TIMEOUT} seconds`);
    return MAX_TIMEOUT;
  }
  return seconds;
}

function readEnv(text: string): Record<string, string> {
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInputError("Cannot run job: its env_vars is no JSON object");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const env: Record<string, string> = {};
  let size = 0;
  for (const [name, item] of Object.entries(value)) {
    const entry = typeof item === "string" ? item : JSON.stringify(item);
    checkEnv(name, entry);
    size += name.length + entry.length;
    env[name] = entry;
  }
  if (size > MAX_RUN_PAYLOAD) {
    throw new InvalidInputError(`Cannot run job: its environment has ${size} characters, more than ${MAX_RUN_PAYLOAD}`);
  }
  return env;
}

/**
 * Checks one environment entry. The message names the variable, never its value.
 *
 * @throws {InvalidInputError} A shell cannot hold such a variable.
 */
export function checkEnv(name: string, value: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new InvalidInputError(
      `Cannot set environment variable ${JSON.stringify(name)}: a name has letters, digits and _ and no digit in front`,
    );
  }
  if (value.includes("\0")) {
    throw new InvalidInputError(`Cannot set environment variable "${name}": its value holds a NUL character`);
  }
}
