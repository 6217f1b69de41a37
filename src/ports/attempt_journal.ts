/**
 * The runner's memory on its own disk: what it was about to launch, and which ends Redis has acknowledged. It is what
 * makes "launched at most once" and "no end is lost" true when runner, Redis or both go away.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";

/** An attempt that Redis gave us, written down before it is launched. */
export interface Attempt {
  /** Name of the run, `KEY.ATTEMPT.NONCE`. */
  readonly name: string;
  readonly id: string;
  readonly token: string;
  readonly number: number;
  /** Redis' clock at the start, Unix milliseconds. */
  readonly startedMs: number;
  /** Boot of the host at that time. */
  readonly bootId: string;
  /** Number that Redis gave this instance with the start; a Redis that knows a smaller one last has forgotten it. */
  readonly seq?: number;
  /** Milliseconds until the run is stopped, `null` for no limit. */
  readonly timeoutMs: number | null;
  readonly job: JobFields;
  readonly meta: Readonly<Record<string, string>>;
}

/** The end that Redis acknowledged, without the result (that is in the run's output file). */
export interface SettledEnd {
  readonly state: "finished" | "error";
  readonly error: string;
  readonly exitCode: number;
  readonly outputBytes: number;
  /** Part of the output was not captured. */
  readonly truncated?: boolean;
  /** Names of programs that were killed in the background at its end. */
  readonly left?: string;
  readonly ms: number;
  /** The job's result, when no file has the output. */
  readonly result?: string;
  /** The job was to be tried again. */
  readonly retry?: true;
}

/** What the spool knows about a run. */
export interface JournalRecord {
  readonly attempt: Attempt;
  /** `null` until Redis acknowledged an end; `"gone"` when the attempt is no longer ours. */
  readonly end: SettledEnd | "gone" | null;
}

/** The spool of one runner instance; held by one process at a time. */
export interface AttemptJournal {
  /** Identity of the Redis server that knew all of the records last; `null` before the first one. */
  readonly server: string | null;
  /** Every record is known to this Redis server. */
  syncedWith(server: string): void;
  /**
   * Whether it has every record that was ever written into this folder; once it lost some, until `restored` says so.
   */
  readonly isWhole: boolean;
  /** All that may have run and has no record is settled. */
  restored(): void;
  /**
   * Redis' clock at the start of the youngest attempt whose record was forgotten, Unix milliseconds; 0 when there is
   * none.
   */
  readonly forgottenUntil: number;
  /** Every run that is not settled, and those settled lately, oldest first. */
  records(): readonly JournalRecord[];
  /** What it knows about one run. */
  find(name: string): JournalRecord | undefined;
  /** Resolves when the attempt is on disk. Rejects when it is not: then nothing may be launched. */
  begin(attempt: Attempt): Promise<void>;
  /**
   * Notes that Redis acknowledged the end, or gave the attempt to another instance. Resolves when that outlives this
   * process: until then the next one finds the end anew, and needs what tells of it.
   */
  settle(name: string, end: SettledEnd | "gone"): Promise<void>;
  /** Forgets settled runs that are too old to be told again; answers their names. */
  prune(): readonly string[];
  close(): Promise<void>;
}
