/**
 * Output of attempts that run, or ran, on this host, as their runner keeps it: complete, and available once written.
 *
 * @module
 */
import type { OutputPart } from "../domain/output.ts";
import type { StoredJob } from "./job_store.ts";

/** Output of one attempt. */
export interface AttemptOutput {
  /**
   * Returns up to `limit` bytes from a byte offset on; from a greater offset on, when those before are gone. The part
   * is empty when there are none yet, or no more. Offsets must not decrease from call to call.
   */
  read(offset: number, limit: number): Promise<OutputPart>;
  close(): void;
}

/** Output that runners of our user keep on this host. */
export interface HostOutput {
  /** Opens the output of the attempt that a job's metadata names; `null` when this host does not have it. */
  open(job: StoredJob): Promise<AttemptOutput | null>;
}
