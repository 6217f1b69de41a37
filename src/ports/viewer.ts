/** A terminal of a run, as a person means it who wants to see it. */
export interface Sight {
  /** Prefix of the command that attaches to terminals of its runner, as `HostFacts.attach` gives it. */
  readonly attach: string;
  /** Instance of the runner. */
  readonly instance: string;
  /** Id of the job, and `ATTEMPT.NONCE` of the attempt that is meant. */
  readonly id: string;
  readonly token: string;
  /** It does not run: there is a terminal of it only when that was kept. */
  readonly ended: boolean;
}

/** How to look. */
export interface ViewOptions {
  /** Keys reach the run; otherwise they change nothing. */
  readonly write: boolean;
  /** Another host, to be reached with ssh; `null`: this one. */
  readonly host: string | null;
}

/** Shows terminals of runs in the terminal of this process. It needs no runner, and disturbs nobody else who looks. */
export interface Viewer {
  /**
   * Where the terminal of a run is on this host, also when the run has ended and its terminal was kept; `null`:
   * nowhere.
   *
   * @throws {NoTerminalError} This user has no terminals of that runner here.
   */
  find(sight: Sight): Promise<string | null>;
  /** What a person presses to leave a view of this host, or of another one. */
  leaveKeys(attach: string, host: string | null): Promise<string>;
  /**
   * Shows the terminal at a place until the person leaves or it goes away.
   *
   * @throws {NoTerminalError} It could not be shown; the message says why.
   */
  view(attach: string, place: string, options: ViewOptions): Promise<void>;
  /** The shell command with which a person sees the same. */
  command(attach: string, place: string, options: ViewOptions): string;
}
