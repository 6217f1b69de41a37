/**
 * What a runner asks of the thing that brings jobs to life. One attempt of a job is a *run*; its name
 * (`KEY.ATTEMPT.NONCE`) is made of hex digits and dots, so that it can be a file name.
 *
 * @module
 */
import type { OutputSample } from "../domain/output.ts";
import type { AttemptTerminals } from "./attempt_terminals.ts";

/** Everything that is needed to launch a run. */
export interface Launch {
  /** Name of the run. */
  readonly name: string;
  /** Id of the job, for people: titles, `RUNNER_JOB_ID`. */
  readonly id: string;
  /** Attempt, from 1. */
  readonly attempt: number;
  /** Executor string, such as `tmux.main.build`. */
  readonly target: string;
  /** Shell text. */
  readonly payload: string;
  /** Environment of the job, over the basic one that the executor builds. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; `null`: the runner's. */
  readonly cwd: string | null;
  /** Milliseconds until the run is stopped, also when no runner lives; `null` for no limit. */
  readonly timeoutMs: number | null;
  /** A line for people, for titles; may be empty. */
  readonly title: string;
}

/** A command that runs beside the jobs because one of them has ended. */
export interface Hook {
  /** The run that has ended. */
  readonly name: string;
  /** Shell text. */
  readonly command: string;
  /** Its environment, over the basic one of jobs. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds until it is stopped, also when no runner lives. */
  readonly limitMs: number;
}

/** How the process of a run ended. */
export interface AttemptEnd {
  readonly name: string;
  /**
   * `exited`: `code` is exact. `timed_out`, `cancelled`: it was stopped on order. `lost`: its terminal went away and
   * nobody knows how it ended; `why` says what is known. `unlaunched`: this host could not begin it now, and will not;
   * another try, or another host, may.
   */
  readonly kind: "exited" | "timed_out" | "cancelled" | "lost" | "unlaunched";
  /**
   * Exit code, 128 + n after signal n; `null` for a run that was not begun, for `lost`, and when its terminal went
   * away.
   */
  readonly code: number | null;
  /** For `exited`: names of the programs that it had left in the background, and that were killed with it. */
  readonly left?: readonly string[];
  /** For `lost` and `unlaunched`: what is known. For `exited`: why its program was not begun, when that is known. */
  readonly why?: string;
  /** Output, complete unless it says otherwise. */
  readonly output: OutputSample;
  /** Milliseconds since it ended, when that was before this process was there; about, by the host's wall clock. */
  readonly agoMs?: number;
}

/** What the executor found about a run of an earlier runner process. */
export type FoundAttempt =
  /** It was never launched and may be, under the same name. */
  | "unlaunched"
  /** It runs; its end will be reported. */
  | "adopted"
  /** It has ended; its end will be reported. */
  | "ended";

/** Facts about the host that only a process outside the runner's sandbox can read. */
export interface HostFacts {
  /** Identity of the host's current boot. */
  readonly bootId: string;
  /** Prefix of the command that attaches to a terminal, such as `tmux -L runner-x attach -t`. */
  readonly attach: string;
  /** The most runs side by side that the host's limits allow. */
  readonly maxSlots: number;
}

/** Where a target runs. */
export interface Place {
  /** Runs with the same line go one after the other; `null`: any number side by side. */
  readonly serialKey: string | null;
  /** What a person attaches to, such as the session `main`. */
  readonly session: string;
}

/** Which outputs are not needed any more. */
export interface Pruning {
  /** Those that no result holds whole go after so many seconds; 0: they are bounded by count and bytes only. */
  readonly seconds: number;
  /** Runs whose records are gone since the last round: those that a result holds whole go with them. */
  readonly forgotten: readonly string[];
  /** Whether there is a record of a run. */
  hasRecord(name: string): boolean;
  /** Ends the round early; the next one goes on. */
  readonly signal?: AbortSignal;
}

/** An executor kind. */
export interface Executor extends AttemptTerminals {
  /** First part of the executor strings it answers to, such as `tmux`. */
  readonly kind: string;
  /**
   * Reads a target.
   *
   * @throws {InvalidInputError} It is not well-formed; the message says what is.
   */
  place(target: string): Place;
  /**
   * Connects. `onEnd` is called once for each run that was launched or adopted, whenever it ends, and never before
   * `open` has returned. Rejects with the reason of `signal` when that aborts.
   *
   * @throws {SetupError} The host cannot run this kind, or does not answer.
   */
  open(onEnd: (end: AttemptEnd) => void, signal?: AbortSignal): Promise<HostFacts>;
  /**
   * Looks for runs of earlier processes: call once after `open`, with every run whose end is not on record. Terminals
   * that hold other runs of ours are stopped and cleared.
   */
  recover(attempts: readonly Launch[]): Promise<ReadonlyMap<string, FoundAttempt>>;
  /**
   * Launches a run, at most once whatever happens; resolves when its terminal has it, or will have it after those
   * before it.
   *
   * @throws {LaunchError} It was not launched and will not be. With a `cause` it is this host that cannot now; another
   * try, or another host, may.
   */
  launch(launch: Launch): Promise<void>;
  /** Stops a run and everything it started: TERM, then KILL after `graceMs`. Its end is reported as `kind`. */
  stop(name: string, kind: "timed_out" | "cancelled", graceMs: number): Promise<void>;
  /**
   * Output of a run from a byte offset on, as the program wrote it, at most `limit` bytes; empty when there is no more
   * now.
   */
  read(name: string, offset: number, limit: number): Promise<Uint8Array>;
  /**
   * Runs a hook, at most once, where it holds up no run; its output goes nowhere. Answers its exit code, 128 + n when a
   * signal or the limit ended it, and `null` when that is not known.
   *
   * @throws {LaunchError} It was not run.
   */
  hook(hook: Hook): Promise<number | null>;
  /** One look at everything: settles runs whose terminals went away unseen. */
  sweep(): Promise<void>;
  /** Output of an ended run, also after `forget`, as long as `prune` has left it; `null` when it is gone. */
  sample(name: string): Promise<OutputSample | null>;
  /**
   * The end of a run is on record: removes everything of it but its output. Until then `recover` must find the end
   * again.
   */
  forget(name: string): Promise<void>;
  /** Removes outputs that are not needed any more. */
  prune(pruning: Pruning): Promise<void>;
  /**
   * Path of a file without which it cannot go on and which is no longer the one that it opened; `null` when all is
   * well.
   */
  missing(): Promise<string | null>;
  /** Lets go, after a few seconds at the most. Runs go on. */
  close(): Promise<void>;
}
