import { placeInBatch } from "../domain/batch.ts";
import type { Found } from "./find.ts";
import type { JobStore, StoredEvent } from "../ports/job_store.ts";
import { viewJob } from "./job_view.ts";
import { type Filter, fits } from "./selection.ts";

/** Returns those of some events that are about selected jobs. */
export type EventFilter = (events: readonly StoredEvent[]) => Promise<readonly StoredEvent[]>;

/** Selects the events of some jobs, and of batches with all their members. */
export function eventsOfJobs(found: readonly Found[]): EventFilter {
  const wanted = new Set(found.map(({ id }) => id));
  const batches = new Set(found.filter(({ batch }) => batch !== null).map(({ id }) => id));
  const isWanted = (id: string) => wanted.has(id) || batches.has(placeInBatch(id)?.batch ?? "");
  return (events) => Promise.resolve(events.filter(({ id }) => isWanted(id)));
}

/** Selects the events of jobs that fit when they are read. */
export function eventsOfFitting(store: JobStore, filter: Filter): EventFilter {
  return async (events) => {
    const jobs = await store.summaries([...new Set(events.map(({ id }) => id))]);
    const wanted = new Set(jobs.filter((job) => job !== null && fits(viewJob(job), filter)).map((job) => job!.id));
    return events.filter(({ id }) => wanted.has(id));
  };
}
