import { UnavailableError } from "../domain/errors.ts";
import { orAborted } from "../domain/or_aborted.ts";
import type { JobStore, StoredEvent } from "../ports/job_store.ts";
import type { Clock } from "../ports/clock.ts";
import { passes } from "./wait.ts";

/** Milliseconds that one look waits, and the pause after one that found Redis unreachable. */
const WAIT = 5_000;
const PAUSE = 1_000;

/** How to follow. */
export interface FollowEventsOptions {
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
  /** Milliseconds until an empty look comes when nothing happens; 5,000 when left out. */
  readonly everyMs?: number;
  /** Called at each look that found Redis unreachable; the following goes on. */
  readonly onOutage?: (error: UnavailableError) => void | Promise<void>;
}

/**
 * Follows what happens in a namespace: each event once, in order, as far as Redis keeps them.
 *
 * @param after Cursor of the event after which to begin.
 * @returns Lists of events; an empty one when nothing happened for a while.
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
      // a look that is given up may fail later, when the connection is closed
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

/** The cursor behind which everything is new. */
export async function newestCursor(store: JobStore): Promise<string> {
  return (await store.newestEvents(1)).at(-1)?.cursor ?? "0";
}
