/** A child process whose standard input is written and whose standard output is read by us. */
export interface ChildProcess {
  readonly pid: number;
  /** Standard output; ends when the child has closed it. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Writes to its standard input; rejects when it no longer reads. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes its standard input. */
  end(): Promise<void>;
  /** Ends it with KILL; nothing happens when it has ended. */
  kill(): void;
  /** Its exit code, when it has ended; 128 + n after signal n. */
  readonly exited: Promise<number>;
}

/** How to start a child. */
export interface SpawnOptions {
  /** Its whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; the runner's when there is none. */
  readonly cwd?: string;
  /** In a session of its own, so that signals of the terminal do not reach it. */
  readonly detached?: boolean;
}

/** What a program that has ended wrote, and how it ended. */
export interface Ran {
  /** Its exit code; 128 + n after signal n. */
  readonly code: number;
  readonly output: string;
  /** What it wrote on standard error. */
  readonly errors: string;
}

/** Starts programs. */
export interface Process {
  /**
   * Runs a program to its end, without a shell and with nothing to read. When `signal` aborts it is killed, and the
   * call rejects with the signal's reason at once.
   *
   * @throws {SetupError} It is not installed, or may not be run.
   */
  run(
    command: string,
    args: readonly string[],
    options: SpawnOptions & { readonly signal?: AbortSignal },
  ): Promise<Ran>;
  /**
   * Starts a program, without a shell. Its standard error goes nowhere.
   *
   * @throws {SetupError} It is not installed, or may not be run.
   */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}
