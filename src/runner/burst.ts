import { orAborted } from "../domain/or_aborted.ts";
import type { Claimer } from "./claimer.ts";
import type { Attempts } from "./attempts.ts";

/**
 * Waits until nothing runs and either the queue is empty or it is paused.
 *
 * @param failed Rejects when the runner cannot continue; the returned promise then rejects too.
 */
export async function untilIdle(
  claimer: Pick<Claimer, "idle">,
  attempts: Attempts,
  failed: Promise<void>,
): Promise<"empty" | "paused"> {
  const over = new AbortController();
  failed.catch((error) => over.abort(error));
  for (;;) {
    const { idle } = claimer;
    if (idle !== null) return idle;
    await orAborted(attempts.change(), over.signal);
  }
}
