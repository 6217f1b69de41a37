/**
 * The output of attempts that run, or ran, on this host, as their runner keeps it: whole, and as soon as it is written.
 *
 * @module
 */
import type { StoredJob } from "./job_store.ts";

/** The output of one attempt. */
export interface AttemptOutput {
  /**
   * Up to `limit` bytes from an offset on, never before one that was asked for; none: there are none yet, or no more.
   */
  read(offset: number, limit: number): Promise<Uint8Array>;
  close(): void;
}

/** What runners keep on this host, as far as it belongs to our user. */
export interface HostOutput {
  /** The output of the newest attempt of a job; `null`: it is not here. */
  open(job: StoredJob): Promise<AttemptOutput | null>;
}
