/** A child process with pipes for its standard input and output. */
export interface ChildProcess {
  readonly pid: number;
  /** Standard output; ends when the child has closed it. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Writes to its standard input; rejects when the child no longer reads. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes its standard input. */
  end(): Promise<void>;
  /** Sends KILL; does nothing when it has ended. */
  kill(): void;
  /** Resolves with its exit code when it has ended; 128 + n after signal n. */
  readonly exited: Promise<number>;
}

/** Options for starting a child process. */
export interface SpawnOptions {
  /** Its complete environment: no variable is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; that of the runner when left out. */
  readonly cwd?: string;
  /** Whether it gets a session of its own, so that signals of the terminal do not reach it. */
  readonly detached?: boolean;
}

/** Result of a program that has ended. */
export interface Ran {
  /** Exit code; 128 + n after signal n. */
  readonly code: number;
  /** Text that it wrote to standard output. */
  readonly output: string;
  /** Text that it wrote to standard error. */
  readonly errors: string;
}

/** Starts programs. */
export interface Process {
  /**
   * Runs a program to its end, without a shell and with empty standard input. When `signal` aborts, the program is
   * killed and the call rejects with the signal's reason at once.
   *
   * @throws {SetupError} It is not installed, or may not be run.
   */
  run(
    command: string,
    args: readonly string[],
    options: SpawnOptions & { readonly signal?: AbortSignal },
  ): Promise<Ran>;
  /**
   * Starts a program, without a shell. Its standard error is discarded.
   *
   * @throws {SetupError} It is not installed, or may not be run.
   */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}
