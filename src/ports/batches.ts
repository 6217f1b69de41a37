/**
 * Batches in Redis: many jobs under one id. Every change is one atomic step that is safe to repeat.
 *
 * @module
 */
import type { Submission } from "../domain/submission.ts";

/** What a member has of its own. */
export interface BatchMember {
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What it has in place of that of the batch; neither runner, priority and start nor what it waits for. */
  readonly own?: Partial<Submission>;
}

/** A batch that is ready to be queued. */
export interface BatchSubmission {
  readonly id: string;
  /** What all members share; `env` is that of the members. */
  readonly shared: Submission;
  /** Number of members, which have the indexes 1 to `size`. */
  readonly size: number;
  /** Text that identifies the submission: another text under the same id is refused. */
  readonly definition: string;
  /** Names of the variables that tables show. */
  readonly params: readonly string[];
  /** Number of failures after which members that have not started end as skipped. */
  readonly stopAfter?: number;
  /** Number of members that may run at the same time. */
  readonly atMost?: number;
  /** Returns the member of an index. */
  member(index: number): BatchMember;
}

/** Reply to some members of a batch. */
export type BatchSubmitReply =
  /** `OK`: they are stored. `AT`: another one is next. `stored`: the number of stored members. */
  | { readonly type: "OK" | "AT"; readonly stored: number }
  /** A batch of this id has another definition. Nothing was changed. */
  | { readonly type: "OTHER" }
  /** A job `id` exists already. Nothing was changed. */
  | { readonly type: "TAKEN"; readonly id: string }
  /** It was cancelled, or too many of its members have failed. Nothing was changed. */
  | { readonly type: "STOPPED"; readonly how: "cancel" | "skip" }
  /** They are to wait for the job or batch `after`, which does not exist. Nothing was changed. */
  | { readonly type: "ORPHAN"; readonly after: string }
  /** `waiting` jobs wait for the runner already. Nothing was changed. */
  | { readonly type: "FULL"; readonly waiting: number };

/** The record of a batch, with the fields of src/redis/keys.ts. */
export interface StoredBatch {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Reply of `batchCancel`. `OK`: its members end. `FINAL`: all had ended before. `MISSING`: there is no such batch. */
export type BatchCancelReply = "OK" | "FINAL" | "MISSING";

/** Reply of `batchPurge`. `OTHER`: a member has not ended, or not so long ago. `AWAITED`: a job waits for its end. */
export type BatchPurgeReply = "OK" | "OTHER" | "AWAITED" | "MISSING";

/** Batches as clients use them. */
export interface BatchStore {
  /**
   * Stores some members from `first` on and queues them; the first call makes the record.
   *
   * @param options `maxQueued`: the most jobs that may wait for the runner with all members.
   */
  batchSubmit(
    batch: BatchSubmission,
    first: number,
    options?: { readonly maxQueued?: number },
  ): Promise<BatchSubmitReply>;
  /** Returns the record of a batch; `null` when there is none with this id. */
  read(id: string): Promise<StoredBatch | null>;
  /**
   * Ends all members, page by page; those that run are stopped by their runners. When this process dies meanwhile, any
   * runner goes on.
   */
  batchCancel(id: string, reason: string): Promise<BatchCancelReply>;
  /** Forgets a batch of which all members have ended; `countOnly` only says whether that is allowed. */
  batchPurge(
    id: string,
    query: { readonly endedBeforeMs: number; readonly countOnly: boolean },
  ): Promise<BatchPurgeReply>;
}
