/**
 * Errors that a caller can handle. Messages read `Cannot VERB THING: what is true now`, say what to do next and quote
 * values. They never hold a payload, an environment value or a password.
 *
 * @module
 */

/**
 * The input is invalid; nothing was changed. The command line ends with exit code 2.
 *
 * ```ts no-eval
 * import { InvalidInputError, submit } from "@hero/runner";
 *
 * try {
 *   await submit({ payload: "" });
 * } catch (error) {
 *   if (!(error instanceof InvalidInputError)) throw error;
 *   console.error(error.message); // Cannot submit job: its payload is empty; write shell text
 * }
 * ```
 */
export class InvalidInputError extends Error {
  /** Name of the class. */
  override name = "InvalidInputError";
}

/**
 * There is no such job. Exit code 4.
 *
 * ```ts no-eval
 * import { Client, JobNotFoundError } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const job = await client.read("7").catch((error) => {
 *   if (error instanceof JobNotFoundError) return null;
 *   throw error;
 * });
 * console.log(job?.status ?? "there is none");
 * ```
 */
export class JobNotFoundError extends Error {
  /** Name of the class. */
  override name = "JobNotFoundError";
}

/** The job exists but has no terminal that can be reached now. Exit code 1. */
export class NoTerminalError extends Error {
  /** Name of the class. */
  override name = "NoTerminalError";
}

/**
 * Redis cannot be reached, refuses our credentials or commands, or is not fit for use. Exit code 69.
 *
 * ```ts no-eval
 * import { submit, UnavailableError } from "@hero/runner";
 *
 * // with an id of your own it is safe to repeat: the same id is queued once
 * const job = { id: "report-7", payload: "make report" };
 * await submit(job).catch((error) => {
 *   if (error instanceof UnavailableError) return submit(job);
 *   throw error;
 * });
 * ```
 */
export class UnavailableError extends Error {
  /** Name of the class. */
  override name = "UnavailableError";
}

/**
 * As many jobs wait for the runner as the submitter allows; this one was not queued. Exit code 75.
 *
 * ```ts no-eval
 * import { Client, QueueFullError } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * try {
 *   await client.submit({ payload: "make test" }, { maxQueued: 100 });
 * } catch (error) {
 *   if (!(error instanceof QueueFullError)) throw error;
 *   console.error("come back later");
 * }
 * ```
 */
export class QueueFullError extends Error {
  /** Name of the class. */
  override name = "QueueFullError";
}

/**
 * Redis refuses our credentials or one of our commands. Exit code 69 for clients, 78 for a runner that starts.
 *
 * ```ts no-eval
 * import { Client, RefusedError } from "@hero/runner";
 *
 * await Client.connect({ redisUrl: "redis://me:wrong@127.0.0.1" }).catch((error) => {
 *   if (!(error instanceof RefusedError)) throw error;
 *   console.error("wrong user or password");
 * });
 * ```
 */
export class RefusedError extends UnavailableError {
  /** Name of the class. */
  override name = "RefusedError";
}

/** An executor cannot launch a job; the job ends with status `error` and this message. */
export class LaunchError extends Error {
  /** Name of the class. */
  override name = "LaunchError";
}

/**
 * This host's set-up prevents a runner from working: another runner holds the spool, or another user owns a folder.
 * Exit code 1.
 *
 * ```ts no-eval
 * import { Runner, SetupError } from "@hero/runner";
 *
 * await Runner.open({ name: "build" }).catch((error) => {
 *   if (!(error instanceof SetupError)) throw error;
 *   console.error(error.message); // names the process that holds the spool, or the folder
 * });
 * ```
 */
export class SetupError extends Error {
  /** Name of the class. */
  override name = "SetupError";
}
