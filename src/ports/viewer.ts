import type { TerminalAccess } from "./executor.ts";

/** Identifies the terminal of an attempt that a person wants to see. */
export interface Sight {
  /** How to reach the terminals of its runner. */
  readonly access: TerminalAccess | null;
  /** Instance of the runner. */
  readonly instance: string;
  /** Id of the job. */
  readonly id: string;
  /** The attempt: `ATTEMPT.NONCE`. */
  readonly token: string;
  /** Whether the attempt has ended: then it has a terminal only when that was kept. */
  readonly ended: boolean;
}

/** Options of a view. */
export interface ViewOptions {
  /** Whether keys reach the attempt; otherwise the view is read-only. */
  readonly write: boolean;
  /** Another host, to be reached with ssh; `null` for this host. */
  readonly host: string | null;
}

/**
 * Shows terminals of attempts in the terminal of this process. It needs no runner, and does not affect other people's
 * views.
 */
export interface Viewer {
  /**
   * Returns the location of an attempt's terminal on this host; `null` when there is none. A kept terminal is found
   * also after the attempt has ended.
   *
   * @throws {NoTerminalError} This user has no terminals of that runner here.
   */
  find(sight: Sight): Promise<string | null>;
  /** Returns the keys that leave a view of this host (`null`) or of another one, for display. */
  leaveKeys(access: TerminalAccess | null, host: string | null): Promise<string>;
  /**
   * Shows the terminal at a location until the person leaves or the terminal is closed.
   *
   * @param place Location as returned by `find` or by `AttemptTerminals.locate`.
   * @throws {NoTerminalError} It could not be shown; the message says why.
   */
  view(access: TerminalAccess | null, place: string, options: ViewOptions): Promise<void>;
  /** Returns the shell command that shows the same view. */
  command(access: TerminalAccess | null, place: string, options: ViewOptions): string;
}
