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
import { printable, toJson } from "./text.ts";

/** How to speak about an error. */
export interface ErrorReport {
  /** Write one JSON object. */
  readonly json: boolean;
  /** Name of the command that failed; `null`: there was none, or an unknown one. */
  readonly command: string | null;
}

/** What to do when there is no Redis. */
const NO_REDIS_ADVICE =
  "start one there, name another with --redis-url, or for a first try: runner run --embedded-redis";

/** What to do about a Redis of which nothing better is known. */
export function redisAdvice(error: unknown): string | null {
  const { remedy } = error as Partial<Trouble>;
  return remedy ?? (isUnreachable(error) ? NO_REDIS_ADVICE : null);
}

/** Whether Redis does not answer at all. */
function isUnreachable(error: unknown): boolean {
  return error instanceof UnavailableError && (error as Partial<Trouble>).condition === "unreachable";
}

/** What to do about an error, when its message cannot know it. */
function adviceFor(error: unknown, command: string | null): string {
  if (error instanceof InvalidInputError) return `; see runner ${command === null ? "" : `${command} `}--help`;
  if (error instanceof JobNotFoundError) return "; runner status shows the newest jobs";
  const advice = redisAdvice(error);
  return advice === null ? "" : `; ${advice}`;
}

/** What an error says: of a step that Redis did not do, what the person wanted, as the step is a name of ours. */
function saidBy(error: Error, command: string | null): string {
  const { says } = error as Partial<Trouble>;
  return error instanceof UnavailableError && says !== undefined && command !== null
    ? `Cannot run runner ${command}: ${says}`
    : error.message;
}

/**
 * The exit code of an error; the only place that knows. A runner that is refused must not be started again and again.
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
 * Says on standard error what went wrong.
 *
 * @returns The exit code.
 */
export async function reportError(error: unknown, terminal: Terminal, report: ErrorReport): Promise<number> {
  // nobody reads our output any more, as with `| head`: that is no failure
  if (error instanceof Error && error.name === "BrokenPipe") return EXIT.ok;
  const code = exitCodeOf(error, report.command);
  const name = error instanceof Error ? error.name : "Error";
  const said = error instanceof Error ? saidBy(error, report.command) : String(error);
  // a right that this program was not given, where nobody could say what it is for
  const message = (name === "NotCapable" ? `Cannot go on: ${said}` : said) + adviceFor(error, report.command);
  await terminal.say(report.json ? `${toJson({ error: message, name, code })}\n` : `runner: ${printable(message)}\n`);
  return code;
}
