import type { AttemptQueue } from "../ports/queue.ts";
import type { JournalRecord } from "../ports/attempt_journal.ts";
import type { RunnerParts } from "./parts.ts";

/** Attempts that one round queries in Redis. */
const BATCH = 100;

/** What it works with. */
type SupersededParts = Pick<RunnerParts, "journal"> & { readonly queue: AttemptQueue };

/**
 * Forgets attempts that were to be tried again, once a later attempt has begun. Otherwise, after Redis lost data, this
 * host would put such a job into the queue again. If the host of the later attempt had lost its records by then, the
 * job would run once more.
 */
export class Superseded {
  readonly #parts: SupersededParts;
  /**
   * Index at which the next round begins: attempts with a long pause before the next one must not hold up the others.
   */
  #from = 0;

  constructor(parts: SupersededParts) {
    this.#parts = parts;
  }

  /** Runs one round. */
  async tick(): Promise<void> {
    const { queue, journal } = this.#parts;
    const open = journal.records().filter(isToBeTriedAgain);
    if (open.length === 0) return;
    const from = this.#from % open.length;
    const some = [...open.slice(from), ...open.slice(0, from)].slice(0, BATCH);
    this.#from = from + some.length;
    const newest = await queue.newestAttempts(some.map(({ attempt }) => attempt.id));
    for (const [i, { attempt }] of some.entries()) {
      if (newest[i] > attempt.number) await journal.settle(attempt.name, "gone");
    }
  }
}

function isToBeTriedAgain({ end }: JournalRecord): boolean {
  return end !== null && end !== "gone" && end.retry === true;
}
