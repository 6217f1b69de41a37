/**
 * Errors that a caller can act on. Messages read `Cannot VERB THING: what is true now`, say what to do next, quote values
 * and never hold a payload, an environment value or a password.
 *
 * @module
 */

/** The input is wrong: nothing was changed. The command line ends with exit code 2. */
export class InvalidInputError extends Error {
  /** Name of the class. */
  override name = "InvalidInputError";
}

/** There is no such job. Exit code 4. */
export class JobNotFoundError extends Error {
  /** Name of the class. */
  override name = "JobNotFoundError";
}

/** The job is there and has no terminal that can be reached now. Exit code 1. */
export class NoTerminalError extends Error {
  /** Name of the class. */
  override name = "NoTerminalError";
}

/** Redis cannot be reached, refuses us, or is not fit for use. Exit code 69. */
export class UnavailableError extends Error {
  /** Name of the class. */
  override name = "UnavailableError";
}

/** As many jobs wait for the runner as its caller allows: this one was not queued. Exit code 75. */
export class QueueFullError extends Error {
  /** Name of the class. */
  override name = "QueueFullError";
}

/** Redis refuses our credentials or one of our commands. Exit code 69 for clients, 78 for a runner that starts. */
export class RefusedError extends UnavailableError {
  /** Name of the class. */
  override name = "RefusedError";
}

/** An executor cannot bring a job to life; the job ends with status `error` and this message. */
export class LaunchError extends Error {
  /** Name of the class. */
  override name = "LaunchError";
}

/** This host's set-up keeps a runner from working: another runner holds the spool, a folder is not ours. Exit code 1. */
export class SetupError extends Error {
  /** Name of the class. */
  override name = "SetupError";
}
