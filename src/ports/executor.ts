/**
 * Launches attempts of jobs for a runner. The name of an attempt (`KEY.ATTEMPT.NONCE`) has only hex digits and dots, so
 * that it can be a file name.
 *
 * @module
 */
import type { OutputPart, OutputSample } from "../domain/output.ts";
import type { AttemptTerminals } from "./attempt_terminals.ts";

/** Everything that is needed to launch an attempt. */
export interface Launch {
  /** Name of the attempt. */
  readonly name: string;
  /** Id of the job, for people: titles, `RUNNER_JOB_ID`. */
  readonly id: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Executor string, such as `tmux.main.build`. */
  readonly target: string;
  /** Shell text. */
  readonly payload: string;
  /** Environment of the job; its variables override the basic ones that the executor sets. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; `null` for that of the runner. */
  readonly cwd: string | null;
  /** Milliseconds until the attempt is stopped, even when no runner is alive; `null` for no limit. */
  readonly timeoutMs: number | null;
  /** Title shown to people, one line; may be empty. */
  readonly title: string;
  /** Seconds for which Redis keeps the ended job, 0 for ever; `null`: as long as other jobs of the runner. */
  readonly keep: number | null;
  /** `RUNNER_SLOT`, `RUNNER_SLOT_2` and so on: numbers of its permits, or of its slot on the runner. */
  readonly slots: readonly number[];
}

/** A command that runs because of an event of a job, independently of other jobs. */
export interface Hook {
  /** A name that no other hook of this runner has; a file name. */
  readonly name: string;
  /** Shell text. */
  readonly command: string;
  /** Its environment; its variables override the basic ones of jobs. */
  readonly env: Readonly<Record<string, string>>;
  /** One line for its standard input; default: none. */
  readonly input?: string;
  /** Milliseconds until it is stopped, even when no runner is alive. */
  readonly limitMs: number;
}

/** How the process of an attempt ended. */
export interface AttemptEnd {
  /** Name of the attempt. */
  readonly name: string;
  /**
   * `exited`: `code` is exact. `timed_out`, `cancelled`: it was stopped on request. `lost`: its terminal was destroyed
   * and how it ended is unknown; `why` gives the known facts. `unlaunched`: this host could not launch it and will not
   * try again; a new attempt, or another host, may succeed.
   */
  readonly kind: "exited" | "timed_out" | "cancelled" | "lost" | "unlaunched";
  /** Exit code, 128 + n after signal n; `null` when it was not started, was lost, or its terminal was destroyed. */
  readonly code: number | null;
  /** For `exited`: names of its background programs that were killed at its end. */
  readonly left?: readonly string[];
  /**
   * For `lost` and `unlaunched`: the known facts. For `exited`: why its program was not started, when that is known.
   */
  readonly why?: string;
  /** Output, complete unless marked as truncated. */
  readonly output: OutputSample;
  /** Milliseconds since it ended, approximately and by the host's wall clock; set when it ended before this process. */
  readonly agoMs?: number;
}

/** State in which the executor found an attempt of an earlier runner process. */
export type FoundAttempt =
  /** It was never launched, and may be launched under the same name. */
  | "unlaunched"
  /** It runs; its end will be reported. */
  | "adopted"
  /** It has ended; its end will be reported. */
  | "ended";

/**
 * How a person reaches the terminals of a runner: data of the executor's kind, such as `{ kind: "tmux", socket:
 * "runner-build" }`. Only the viewer of that kind reads more than `kind`. It comes back from Redis, so it is checked.
 */
export interface TerminalAccess {
  readonly kind: string;
  readonly [name: string]: string | null;
}

/** Facts about the host that only a process outside the runner's sandbox can read. */
export interface HostFacts {
  /** Identity of the host's current boot. */
  readonly bootId: string;
  /** How to reach its terminals. */
  readonly access: TerminalAccess;
  /** Most concurrent attempts that the host's limits allow. */
  readonly maxSlots: number;
}

/** Where attempts of a target run. */
export interface Place {
  /** Serial key: attempts with the same one run one after the other; `null` when any number may run concurrently. */
  readonly serialKey: string | null;
  /** Session that a person attaches to, such as `main`. */
  readonly session: string;
}

/** Which outputs are no longer needed. */
export interface Pruning {
  /**
   * Seconds for which Redis keeps an ended job that has no time of its own, and so for which outputs stay that no
   * result holds completely; 0: for ever.
   */
  readonly seconds: number;
  /**
   * Attempts whose records were forgotten since the last round; outputs of theirs that a result holds completely go.
   */
  readonly forgotten: readonly string[];
  /** Returns whether there is a record of an attempt. */
  hasRecord(name: string): boolean;
  /** Ends the round early; the next one continues. */
  readonly signal?: AbortSignal;
}

/** An executor of one kind, connected to its terminals. */
export interface Executor extends AttemptTerminals {
  /** First part of its executor strings, such as `tmux`. */
  readonly kind: string;
  /**
   * Parses a target.
   *
   * @throws {InvalidInputError} It is not well-formed; the message describes the valid form.
   */
  place(target: string): Place;
  /** The end of each attempt that was launched or adopted, once; for one reader. It finishes at `close`. */
  readonly ends: AsyncIterable<AttemptEnd>;
  /**
   * Finds attempts of earlier processes. Call it once, with every attempt whose end is not on record.
   * Terminals that hold other attempts of ours are stopped and cleared.
   */
  recover(attempts: readonly Launch[]): Promise<ReadonlyMap<string, FoundAttempt>>;
  /**
   * Launches an attempt, at most once in all cases. Resolves when its terminal has it, or has queued it behind earlier
   * ones.
   *
   * @throws {LaunchError} It was not launched and will not be. A `cause` means that this host cannot launch it now: a
   * new attempt, or another host, may succeed.
   */
  launch(launch: Launch): Promise<void>;
  /** Stops an attempt and everything it started: TERM, then KILL after `graceMs`. Its end is reported as `kind`. */
  stop(name: string, kind: "timed_out" | "cancelled", graceMs: number): Promise<void>;
  /**
   * Returns at most `limit` bytes of an attempt's output from a byte offset on, as the program wrote them; from a
   * greater offset on, when those before are gone. The part is empty when there are no more now.
   */
  read(name: string, offset: number, limit: number): Promise<OutputPart>;
  /**
   * Runs a hook, at most once, without delaying any attempt; its output is discarded.
   *
   * @returns Its exit code, 128 + n when a signal or the limit ended it; `null` when that is not known.
   * @throws {LaunchError} It was not run.
   */
  hook(hook: Hook): Promise<number | null>;
  /** Checks all terminals once, and settles attempts whose terminals were destroyed without notice. */
  sweep(): Promise<void>;
  /** Returns the output of an ended attempt, also after `forget`; `null` when `prune` has removed it. */
  sample(name: string): Promise<OutputSample | null>;
  /**
   * Removes all files of an attempt but its output; call it when the end is on record. Until then `recover` must find
   * the end again.
   *
   * @param options `keepOutput`: no result holds its output, so `prune` must not remove it with the record.
   */
  forget(name: string, options?: { readonly keepOutput?: boolean }): Promise<void>;
  /** Removes outputs that are no longer needed. */
  prune(pruning: Pruning): Promise<void>;
  /**
   * Returns the path of a required file that was removed or replaced after it was opened; `null` when there is none.
   */
  missing(): Promise<string | null>;
  /** Disconnects, within a few seconds. Attempts keep running. */
  close(): Promise<void>;
}

/** An executor, and what it found out about its host. */
export interface OpenedExecutor {
  readonly executor: Executor;
  readonly facts: HostFacts;
}
