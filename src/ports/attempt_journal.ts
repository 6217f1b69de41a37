/**
 * The runner's write-ahead log on its own disk: what it is about to launch, and which ends Redis has acknowledged. It
 * guarantees "launched at most once" and "no end is lost" when the runner, Redis or both fail.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";

/** An attempt that Redis assigned to this instance, recorded before it is launched. */
export interface Attempt {
  /** Name of the attempt, `KEY.ATTEMPT.NONCE`. */
  readonly name: string;
  /** Id of the job. */
  readonly id: string;
  /** `ATTEMPT.NONCE`: fencing token of the attempt. */
  readonly token: string;
  /** Number of the attempt, from 1. */
  readonly number: number;
  /** Redis' clock at the start, Unix milliseconds. */
  readonly startedMs: number;
  /** Identity of the host's boot at that time. */
  readonly bootId: string;
  /** Sequence number that Redis assigned with the start; a Redis whose last number is smaller has lost the start. */
  readonly seq?: number;
  /** Milliseconds until the attempt is stopped; `null` for no limit. */
  readonly timeoutMs: number | null;
  /** Number of its slot on this runner, from 0; left out in records of earlier versions. */
  readonly slot?: number;
  readonly job: JobFields;
  readonly meta: Readonly<Record<string, string>>;
}

/** An end that Redis has acknowledged, without the result, which is in the attempt's output file. */
export interface SettledEnd {
  readonly state: "finished" | "error";
  readonly error: string;
  readonly exitCode: number;
  readonly outputBytes: number;
  /** Whether part of the output was not captured. */
  readonly truncated?: boolean;
  /** Names of background programs that were killed at its end. */
  readonly left?: string;
  /** Milliseconds from start to end. */
  readonly ms: number;
  /** The job's result, when no file has the output. */
  readonly result?: string;
  /** Set when the job was to be tried again. */
  readonly retry?: true;
}

/** The journal's record of an attempt. */
export interface JournalRecord {
  readonly attempt: Attempt;
  /** `null` until Redis acknowledged an end; `"gone"` when the attempt is no longer ours. */
  readonly end: SettledEnd | "gone" | null;
}

/** The journal of one runner instance; held by one process at a time. */
export interface AttemptJournal {
  /** Identity of the last Redis server that had all records; `null` before the first one. */
  readonly server: string | null;
  /** Notes that this Redis server has all records. */
  syncedWith(server: string): void;
  /** Whether it has every record ever written into this folder; after a loss `false` until `restored` is called. */
  readonly isWhole: boolean;
  /** Notes that every attempt that may have run without a record is settled. */
  restored(): void;
  /**
   * Start of the latest attempt whose record was forgotten, Unix milliseconds of Redis' clock; 0 when there is none.
   */
  readonly forgottenUntil: number;
  /** Returns the records of unsettled and of recently settled attempts, oldest first. */
  records(): readonly JournalRecord[];
  /** Returns the record of one attempt; undefined when there is none. */
  find(name: string): JournalRecord | undefined;
  /** Resolves when the attempt is on disk. After a rejection it is not, and must not be launched. */
  begin(attempt: Attempt): Promise<void>;
  /**
   * Records that Redis acknowledged the end, or gave the attempt to another instance. Resolves when the record is
   * durable. Until then the files of the attempt must stay: after a crash the next process determines the end from
   * them.
   */
  settle(name: string, end: SettledEnd | "gone"): Promise<void>;
  /** Forgets settled attempts that are too old to be reported again; returns their names. */
  prune(): readonly string[];
  close(): Promise<void>;
}
