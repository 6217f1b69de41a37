import { UnavailableError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Trouble } from "../ports/queue.ts";

/** First and longest pause between two tries, milliseconds. */
const PAUSES = [100, 5_000] as const;

/** Remedy in the log when no Redis is reachable and the error names no other one. */
const NO_REDIS = "start one there, name another with --redis-url, or try --embedded-redis";

/**
 * Runs a function that needs Redis, and retries it while Redis is unavailable. Logs the wait once.
 *
 * @param signal Ends the retries.
 * @throws {UnavailableError} Waiting does not help: Redis refuses the connection or is unfit for use.
 */
export async function patiently<T>(
  work: () => Promise<T>,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<T> {
  for (let tries = 0;; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || signal.aborted) throw error;
      if (tries === 0) {
        const { condition, remedy = condition === "unreachable" ? NO_REDIS : "", says = error.message } = error as
          & Partial<Trouble>
          & Error;
        log.warn(`waiting for Redis${remedy === "" ? "" : `; ${remedy}`}`, { error: says });
      }
      await clock.sleep(Math.min(PAUSES[0] * 2 ** tries, PAUSES[1]) * (0.5 + clock.random() / 2), signal);
      if (signal.aborted) throw error;
    }
  }
}

/** Returns true when the condition may pass by itself. */
export function isAway(error: unknown): error is UnavailableError {
  const { condition, cause } = error as Partial<Trouble> & Error;
  // without the permission to connect, no reply can ever come
  if (cause instanceof Error && cause.name === "NotCapable") return false;
  return error instanceof UnavailableError &&
    (condition === "unreachable" || condition === "busy" || condition === "full");
}
