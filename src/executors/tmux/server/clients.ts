import type { Ran } from "../../../ports/process.ts";
import type { TmuxOptions } from "../options.ts";

/** Limit of a call, milliseconds, with the wait for a free client; after it the server counts as gone. */
export const DEADLINE = 10_000;
/** Maximum number of parallel clients: a server that does not respond must not fill the host with them. */
const SIDE_BY_SIDE = 4;

/**
 * Reasons of a failed connection: there is no server, the host is temporarily short of a resource, or - all other - the
 * socket is unusable.
 */
const NO_SERVER = /^(No such file or directory|Connection refused)$/;
const PASSING =
  /^(Resource temporarily unavailable|Interrupted system call|Too many open files|Cannot allocate memory)/;
/** The folder of its socket is unusable. */
const NO_FOLDER =
  /^(couldn't (create|read|stat) directory |directory .* has unsafe permissions$|\/.* is not a directory$)/;

/** A tmux command: its name and its arguments, verbatim. */
export type Command = readonly string[];

/** tmux refused a command. */
export class TmuxError extends Error {
  /** Name of the class. */
  override name = "TmuxError";
  /** Output of the commands before it, line by line. */
  readonly output: readonly string[];

  constructor(message: string, output: readonly string[]) {
    super(message);
    this.output = output;
  }
}

/** The server did not respond: a command may have been executed or not. */
export class GoneError extends Error {
  /** Name of the class. */
  override name = "GoneError";
}

/** There is no server: nothing has been executed. */
export class NoServerError extends GoneError {
  /** Name of the class. */
  override name = "NoServerError";
}

/** The socket of the server cannot be used: nothing has been executed, and a retry does not help. */
export class SocketError extends GoneError {
  /** Name of the class. */
  override name = "SocketError";
}

/**
 * Clients of tmux, each a short-lived process for a few commands. None is in control mode: between the first and the
 * last message of its identification, such a client kills a server up to 3.6. It does so when any event occurs there
 * that the server would notify it of.
 */
export class Clients {
  readonly #options: TmuxOptions;
  readonly #open = new Map<AbortController, Promise<Ran>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #closed: Error | null = null;

  constructor(options: TmuxOptions) {
    this.#options = options;
  }

  /** Whether it is the user's own server. */
  get foreign(): boolean {
    return this.#options.socket === "default";
  }

  /**
   * Runs commands in order, in one client; the first failure ends them.
   *
   * @returns What they wrote, line by line.
   * @throws {TmuxError} tmux refused one.
   * @throws {GoneError} There is no server, or it did not respond.
   */
  async run(commands: readonly Command[]): Promise<string[]> {
    const ran = await this.#inTime((signal) => this.#client(this.#server, commands, signal));
    const lines = ran.output === "" ? [] : ran.output.replace(/\n$/, "").split("\n");
    const error = errorOf(commands, ran, lines);
    if (error !== null) throw error;
    return lines;
  }

  /**
   * Runs a shell command in a temporary server, which ends with it.
   *
   * @returns Its exit code.
   * @throws {GoneError} There can be no such server.
   */
  async beside(command: string): Promise<number> {
    // a short name: the path of a socket has a limit
    const server = ["-L", this.#options.digestOf(this.#options.socket).slice(0, 8), "-f", "/dev/null", "-u"];
    const commands = [["start-server"], ["run-shell", command]];
    const ran = await this.#inTime((signal) => this.#client(server, commands, signal));
    const error = errorOf(commands, ran, []);
    if (error instanceof GoneError) throw error;
    return ran.code;
  }

  /** Starts a client when one of the parallel clients is free, and aborts it at the limit. */
  async #inTime(start: (signal: AbortSignal) => Promise<Ran>): Promise<Ran> {
    if (this.#closed) throw this.#closed;
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new GoneError(`tmux did not answer within ${DEADLINE / 1000} s`)),
      DEADLINE,
    );
    const work = this.#inTurn(start, late.signal).finally(() => {
      clearTimeout(timer);
      this.#open.delete(late);
    });
    this.#open.set(late, work);
    return await work;
  }

  async #inTurn(start: (signal: AbortSignal) => Promise<Ran>, signal: AbortSignal): Promise<Ran> {
    await this.#turn(signal);
    try {
      return await start(signal);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /**
   * Replaces a client by a shell with a command: so this process has a child other than tmux.
   *
   * @returns What it wrote.
   * @throws {TmuxError} It failed.
   * @throws {GoneError} There is no server, or it did not respond.
   */
  async shell(command: string): Promise<string> {
    const ran = await this.#inTime((signal) => this.#start([...this.#server, "-c", command], signal));
    const error = errorOf([], ran, []);
    if (error !== null) throw error;
    return ran.output;
  }

  /** Returns the version text of the program. */
  async version(): Promise<string> {
    const { process, env } = this.#options;
    return (await process.run("tmux", ["-V"], { env: { PATH: env.PATH ?? "" } })).output.trim().split("\n", 1)[0];
  }

  /** Aborts all running clients: they reject with `reason`, as do later ones. */
  close(reason: Error = new GoneError("the executor is closed")): void {
    this.#closed ??= reason;
    for (const late of this.#open.keys()) late.abort(this.#closed);
  }

  /** Resolves when no client is running. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#open.values());
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#running >= SIDE_BY_SIDE) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => {
          const at = this.#waiting.indexOf(resolve);
          if (at !== -1) this.#waiting.splice(at, 1);
          reject(signal.reason);
        });
      });
    }
    this.#running++;
  }

  get #server(): string[] {
    return this.foreign ? ["-u"] : ["-L", this.#options.socket, "-f", "/dev/null", "-u"];
  }

  #client(server: readonly string[], commands: readonly Command[], signal: AbortSignal): Promise<Ran> {
    return this.#start([...server, ...argumentsOf(commands)], signal);
  }

  async #start(args: readonly string[], signal: AbortSignal): Promise<Ran> {
    const { process, env, cwd } = this.#options;
    const names = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TMUX_TMPDIR"];
    const own = Object.fromEntries(Object.entries(env).filter(([name]) => names.includes(name)));
    return await process.run("tmux", args, {
      // the first pane is created before any option is set, and the login shell of a service's user may refuse to run
      // anything
      env: this.foreign ? own : { ...own, SHELL: "/bin/sh" },
      cwd,
      signal,
      // INT and HUP of this process' terminal are for this process only
      detached: true,
    });
  }
}

/** Returns the arguments of a client for some commands. */
export function argumentsOf(commands: readonly Command[]): string[] {
  // a semicolon at the end of an argument ends the command
  return commands.flatMap((command, i) => [...i === 0 ? [] : [";"], ...command.map((arg) => arg.replace(/;$/, "\\;"))]);
}

/** Returns the error that a client's end means; `null` when it succeeded. */
function errorOf(commands: readonly Command[], { code, errors }: Ran, lines: readonly string[]): Error | null {
  const [message] = errors.trim().split("\n", 1);
  // a server that cannot create its socket is started nevertheless, and its client returns 0
  if (/^error creating /.test(message)) return new SocketError(message);
  if (code === 0) return null;
  const [, reason] = /^error connecting to .* \((.*)\)$/.exec(message) ?? [];
  if (/^no server running on /.test(message) || NO_SERVER.test(reason ?? "")) return new NoServerError(message);
  if (PASSING.test(reason ?? "") || /^(server exited|lost server)/.test(message)) return new GoneError(message);
  if (reason !== undefined || NO_FOLDER.test(message)) return new SocketError(message);
  const name = commands.length === 1 ? commands[0][0] : "tmux";
  return new TmuxError(`${name}: ${message || `ended with exit code ${code}`}`, lines);
}
