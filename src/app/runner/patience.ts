import { UnavailableError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Trouble } from "../../ports/queue.ts";

/** The first and the longest pause between two tries, milliseconds. */
const PAUSES = [100, 5_000] as const;

/** What to do when there is none, as far as is known. */
const NO_REDIS = "start one there, name another with --redis-url, or try --embedded-redis";

/**
 * Does a piece of work that needs Redis, again and again as long as Redis is away; one line of the log says so.
 *
 * @param signal Gives up.
 * @throws {UnavailableError} What waiting does not mend: Redis refuses us, or is not fit for use.
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

/** Whether it passes by itself. */
function isAway(error: unknown): error is UnavailableError {
  const { condition, cause } = error as Partial<Trouble> & Error;
  // without the right to connect, there never will be an answer
  if (cause instanceof Error && cause.name === "NotCapable") return false;
  return error instanceof UnavailableError &&
    (condition === "unreachable" || condition === "busy" || condition === "full");
}
