import {
  InvalidInputError,
  JobNotFoundError,
  QueueFullError,
  RefusedError,
  UnavailableError,
} from "../domain/errors.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { Trouble } from "../ports/queue.ts";
import type { Terminal } from "../ports/terminal.ts";
import { printable, toJson } from "./view/text.ts";

/** How to report an error. */
export interface ErrorReport {
  /** Write one JSON object. */
  readonly json: boolean;
  /** Name of the command that failed; `null`: there was none, or an unknown one. */
  readonly command: string | null;
}

/** Advice for when there is no Redis. */
const NO_REDIS_ADVICE =
  "start one there, name another with --redis-url, or for a first try: runner run --embedded-redis";

/** Returns advice on an error of Redis: its own remedy, else a general one; `null`: there is none. */
export function redisAdvice(error: unknown): string | null {
  const { remedy } = error as Partial<Trouble>;
  return remedy ?? (isUnreachable(error) ? NO_REDIS_ADVICE : null);
}

/** Returns whether Redis does not respond at all. */
function isUnreachable(error: unknown): boolean {
  return error instanceof UnavailableError && (error as Partial<Trouble>).condition === "unreachable";
}

/** Returns advice that the message of an error cannot contain. */
function adviceFor(error: unknown, command: string | null): string {
  if (error instanceof InvalidInputError) return `; see runner ${command === null ? "" : `${command} `}--help`;
  if (error instanceof JobNotFoundError) return "; runner status shows the newest jobs";
  const advice = redisAdvice(error);
  return advice === null ? "" : `; ${advice}`;
}

/**
 * Returns the message of an error. For a step that Redis did not do, it names the user's command, because names of
 * steps are internal.
 */
function saidBy(error: Error, command: string | null): string {
  const { says } = error as Partial<Trouble>;
  return error instanceof UnavailableError && says !== undefined && command !== null
    ? `Cannot run runner ${command}: ${says}`
    : error.message;
}

/**
 * Returns the exit code of an error; no other code decides it. A runner that Redis refuses must not be started again
 * and again.
 */
function exitCodeOf(error: unknown, command: string | null): number {
  if (error instanceof InvalidInputError) return EXIT.usage;
  if (error instanceof JobNotFoundError) return EXIT.noSuchJob;
  if (error instanceof QueueFullError) return EXIT.queueFull;
  if (error instanceof RefusedError && command === "run") return EXIT.refused;
  if (error instanceof UnavailableError) return EXIT.unavailable;
  return EXIT.failed;
}

/**
 * Reports an error on standard error.
 *
 * @returns The exit code.
 */
export async function reportError(error: unknown, terminal: Terminal, report: ErrorReport): Promise<number> {
  // the reader of the output is gone, as with `| head`: that is no failure
  if (error instanceof Error && error.name === "BrokenPipe") return EXIT.ok;
  const code = exitCodeOf(error, report.command);
  const name = error instanceof Error ? error.name : "Error";
  const said = error instanceof Error ? saidBy(error, report.command) : String(error);
  // the sandbox denied a permission where no caller could state its purpose
  const message = (name === "NotCapable" ? `Cannot go on: ${said}` : said) + adviceFor(error, report.command);
  await terminal.say(report.json ? `${toJson({ error: message, name, code })}\n` : `runner: ${printable(message)}\n`);
  return code;
}
