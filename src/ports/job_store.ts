/**
 * What clients ask of Redis: submit, cancel, read, follow. Same rules as ports/queue.ts.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";
import type { Submission } from "../domain/submission.ts";
import type { InstanceInfo, InstanceState } from "./queue.ts";

/** Answer to `submit`. */
export type SubmitReply =
  | { readonly type: "OK" }
  /** A job with this id is there already; nothing was changed. */
  | { readonly type: "EXISTS" };

/** A job as Redis has it. */
export interface StoredJob {
  readonly id: string;
  readonly fields: JobFields;
  /** Our bookkeeping; empty for a job that only foreign programs have touched. Keys as in src/redis/keys.ts. */
  readonly side: Readonly<Record<string, string>>;
}

/** A runner instance as Redis has it. */
export interface StoredInstance extends InstanceInfo {
  readonly runner: string;
  readonly instance: string;
  readonly state: InstanceState;
  /** Milliseconds since its last beat. */
  readonly silentMs: number;
  /** Whether its lease holds. */
  readonly alive: boolean;
  readonly running: number;
}

/** A queue as Redis has it. */
export interface StoredQueue {
  readonly runner: string;
  readonly queued: number;
  readonly delayed: number;
  readonly paused: boolean;
}

/** A piece of live output. */
export interface OutputPiece {
  /** Where to go on reading; opaque. */
  readonly cursor: string;
  readonly attempt: number;
  /** Offset of the first byte from the start of the attempt's output. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Why a job is where it is, as far as Redis knows. */
export interface Placement {
  /** Jobs that run before it; `null` when it is not in the queue. */
  readonly ahead: number | null;
  /** Unix ms when it is due; `null` when it is not delayed. */
  readonly dueMs: number | null;
  /** Instance that has claimed it and not started it yet. */
  readonly claimedBy: string | null;
}

/** The clients' side of Redis, bound to one namespace. */
export interface JobStore {
  /** `submission.id` must be set: made once by the caller, so that repeating is safe. */
  submit(submission: Submission & { readonly id: string }): Promise<SubmitReply>;
  /** `CANCELLED`: it had not started. `REQUESTED`: its runner will stop it. */
  cancel(
    id: string,
    reason: string,
  ): Promise<{ readonly type: "CANCELLED" | "REQUESTED" | "TERMINAL" | "MISSING" }>;
  read(id: string): Promise<StoredJob | null>;
  /** The newest ids, newest first. */
  newest(count: number, offset?: number): Promise<readonly string[]>;
  /** Ids that begin with `prefix`, among the newest 10,000, at most `limit`. */
  withPrefix(prefix: string, limit: number): Promise<readonly string[]>;
  place(job: StoredJob): Promise<Placement>;
  instances(): Promise<readonly StoredInstance[]>;
  queues(): Promise<readonly StoredQueue[]>;
  /** Ids that were put aside, newest first, with the reason. */
  buried(limit: number): Promise<readonly { readonly id: string; readonly reason: string; readonly ms: number }[]>;
  /** Pieces of live output after `cursor` (`""`: from the start), oldest first. */
  output(id: string, cursor: string): Promise<readonly OutputPiece[]>;
  /**
   * Wakes up whenever something happened to the job, and every `everyMs` at the latest. Own connection, own reconnects; a wake-up
   * says nothing but "look again".
   */
  changes(id: string, everyMs: number, signal: AbortSignal): AsyncIterable<void>;
  /** Milliseconds of Redis' clock, Unix time. */
  time(): Promise<number>;
  close(): void;
}
