import { UnavailableError } from "../domain/errors.ts";
import { orAborted } from "../domain/or_aborted.ts";
import type { JobStore, StoredEvent } from "../ports/job_store.ts";
import type { Clock } from "../ports/clock.ts";
import { passes } from "./wait.ts";

/** Milliseconds that one poll waits for events. */
const WAIT = 5_000;
/** Milliseconds between polls while Redis is unreachable. */
const PAUSE = 1_000;

/** Options of `followEvents`. */
export interface FollowEventsOptions {
  readonly clock: Clock;
  /** Ends the iteration. */
  readonly signal: AbortSignal;
  /** Milliseconds after which an empty list is yielded when nothing happens; default 5,000. */
  readonly everyMs?: number;
  /** Called at each poll that finds Redis unreachable; the iteration goes on. */
  readonly onOutage?: (error: UnavailableError) => void | Promise<void>;
}

/**
 * Follows the events of a namespace: yields each one once, in order, as far as Redis keeps them.
 *
 * @param after Cursor of the event after which to start.
 * @returns Lists of events; an empty one when nothing happened for `everyMs`.
 * @throws {UnavailableError} Redis refuses us.
 */
export async function* followEvents(
  store: JobStore,
  after: string,
  options: FollowEventsOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const { signal, clock, onOutage } = options;
  let cursor = after;
  while (!signal.aborted) {
    try {
      const poll = store.eventsAfter(cursor, options.everyMs ?? WAIT);
      // an abandoned poll may reject later, when the connection is closed
      poll.catch(() => {});
      const events = await orAborted(poll, signal);
      cursor = events.at(-1)?.cursor ?? cursor;
      yield events;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof UnavailableError) || !passes(error)) throw error;
      await onOutage?.(error);
      await clock.sleep(PAUSE, signal);
    }
  }
}

/** Returns the cursor of the newest event. */
export async function newestCursor(store: JobStore): Promise<string> {
  return (await store.newestEvents(1)).at(-1)?.cursor ?? "0";
}
