/**
 * Limits in Redis: how many jobs run at the same time on all hosts together. Every change is one atomic step that is
 * safe to repeat.
 *
 * @module
 */

/** An attempt that holds a permit of a limit. */
export interface PermitHolder {
  /** Id of the job. */
  readonly id: string;
  readonly runner: string;
  readonly instance: string;
  /** Number of the permit, from 0. */
  readonly number: number;
}

/** A limit that is set or in use. */
export interface StoredLimit {
  /** Its key; `runner:NAME` limits a queue. */
  readonly key: string;
  /** Jobs that may run at the same time. */
  readonly n: number;
  /** Whether N was set; else it is 1. */
  readonly isSet: boolean;
  /** Attempts that count now; they can be more than N for a while, when N was lowered or Redis lost data. */
  readonly held: number;
  /** Some of those that hold permits; none for a queue. */
  readonly holders: readonly PermitHolder[];
  /** Jobs that are parked until a permit is returned; those of a limited queue wait in the queue. */
  readonly parked: number;
  /** Some of them, the next one first. */
  readonly waiting: readonly { readonly id: string; readonly runner: string }[];
}

/** Limits at one moment. */
export interface LimitList {
  /** Milliseconds until jobs with limits start, because Redis may have lost data; 0 when they do. */
  readonly heldMs: number;
  readonly limits: readonly StoredLimit[];
}

/** Limits as clients use them. */
export interface LimitStore {
  /** Reads limits by their keys, also those that were never set; all that are set or in use when left out. */
  read(keys?: readonly string[]): Promise<LimitList>;
  /** Sets N; when more may run than before, parked jobs are queued again. */
  limitSet(key: string, n: number): Promise<void>;
  /** Removes what was set; returns `false` when nothing was. */
  limitRemove(key: string): Promise<boolean>;
}

/** Limits as a runner uses them. */
export interface LimitQueue {
  /**
   * Queues parked jobs again for which there are permits, unless another runner did so within a minute.
   *
   * @returns Milliseconds until jobs with limits start; 0 when they do.
   */
  unpark(): Promise<number>;
}

/** A queue with limits. */
export interface LimitUser {
  /** Limits of the whole namespace. */
  readonly limits: LimitQueue;
}
