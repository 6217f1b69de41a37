import { orAborted } from "../domain/or_aborted.ts";
import type { ClaimQueue } from "../ports/queue.ts";
import type { Claimer } from "./claimer.ts";
import type { Attempts } from "./attempts.ts";

/**
 * Waits until nothing runs and either the queue is empty or it is paused. Jobs that a limit keeps from starting are
 * waited for.
 *
 * @param work `failed` rejects when the runner cannot continue; the returned promise then rejects too.
 */
export async function untilIdle(
  claimer: Pick<Claimer, "idle">,
  attempts: Attempts,
  { queue, failed }: { readonly queue: Pick<ClaimQueue, "length">; readonly failed: Promise<void> },
): Promise<"empty" | "paused"> {
  const over = new AbortController();
  failed.catch((error) => over.abort(error));
  for (;;) {
    const { idle } = claimer;
    if (idle === "paused") return idle;
    // one that cannot be read is not known to be empty
    if (idle === "empty" && await queue.length().catch(() => Infinity) === 0 && claimer.idle === "empty") return idle;
    await orAborted(attempts.change(), over.signal);
  }
}
