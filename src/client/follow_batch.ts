import { memberId, placeInBatch } from "../domain/batch.ts";
import { JobNotFoundError } from "../domain/errors.ts";
import { isFinal } from "../domain/lifecycle.ts";
import type { Clock } from "../ports/clock.ts";
import type { JobStore } from "../ports/job_store.ts";
import { isMember, memberIds, viewBatch } from "./batch_view.ts";
import { followEvents, newestCursor } from "./follow_events.ts";
import { watchBatch } from "./wait_batch.ts";

/** How to follow the members of a batch. */
export interface FollowBatch {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Shows the output of a member until that has ended; called once for each that has started. */
  readonly show: (index: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Shows the outputs of the members of a batch: those that have started, and each that starts, until all have ended. One
 * that ended in an earlier attempt is shown with its newest one.
 */
export async function followBatch(store: JobStore, id: string, options: FollowBatch): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, options.signal]);
  const shown = new Map<number, Promise<void>>();
  let failure: unknown;
  const show = (index: number) => {
    if (shown.has(index) || options.signal.aborted) return;
    const showing = options.show(index, options.signal).catch((error) => {
      // a member can expire meanwhile
      if (error instanceof JobNotFoundError) return;
      failure ??= error;
      over.abort();
    });
    shown.set(index, showing);
  };
  const showAll = async (wanted: (status: string) => boolean) => {
    const batch = await store.batches.read(id);
    for (const ids of batch ? memberIds(viewBatch(batch)) : []) {
      const jobs = await store.summaries(ids);
      for (const job of jobs) {
        if (!job || !isMember(job)) continue;
        if (wanted(job.fields.status ?? "")) show(placeInBatch(job.id)!.index);
        // those that have ended are shown one after the other
        if (isFinal(job.fields.status ?? "")) await shown.get(placeInBatch(job.id)!.index);
      }
    }
  };
  const cursor = await newestCursor(store);
  await showAll((status) => isFinal(status) || status === "started");
  const listening = (async () => {
    for await (const events of followEvents(store, cursor, { clock: options.clock, signal })) {
      for (const event of events) {
        const place = event.event === "start" ? placeInBatch(event.id) : null;
        if (place?.batch === id && memberId(id, place.index) === event.id) show(place.index);
      }
    }
  })();
  try {
    await watchBatch(store, id, { signal });
  } finally {
    over.abort();
    await listening;
  }
  // the stream of events is short: one may have started and ended behind its end
  if (!options.signal.aborted) await showAll(isFinal);
  await Promise.all(shown.values());
  if (failure) throw failure;
}
