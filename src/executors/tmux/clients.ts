import type { Ran } from "../../ports/process.ts";
import type { TmuxOptions } from "./options.ts";

/** How long commands may take, milliseconds, their wait for a place included; then the server is as good as gone. */
export const DEADLINE = 10_000;
/** Clients side by side: one that does not answer must not fill the host with them. */
const SIDE_BY_SIDE = 4;

/**
 * Why a client was not connected: there is no server, the host is short of something, or - all other - its socket is
 * unfit.
 */
const NO_SERVER = /^(No such file or directory|Connection refused)$/;
const PASSING =
  /^(Resource temporarily unavailable|Interrupted system call|Too many open files|Cannot allocate memory)/;
/** The folder of its socket is unfit. */
const NO_FOLDER =
  /^(couldn't (create|read|stat) directory |directory .* has unsafe permissions$|\/.* is not a directory$)/;

/** A tmux command: its name and its arguments, as they are. */
export type Command = readonly string[];

/** tmux refused a command. */
export class TmuxError extends Error {
  /** Name of the class. */
  override name = "TmuxError";
  /** What the commands before it wrote, line by line. */
  readonly output: readonly string[];

  constructor(message: string, output: readonly string[]) {
    super(message);
    this.output = output;
  }
}

/** The server did not answer: a command may have happened or not. */
export class GoneError extends Error {
  /** Name of the class. */
  override name = "GoneError";
}

/** There is no server: nothing has happened. */
export class NoServerError extends GoneError {
  /** Name of the class. */
  override name = "NoServerError";
}

/** The socket of the server cannot be used: nothing has happened, and asking again does not help. */
export class SocketError extends GoneError {
  /** Name of the class. */
  override name = "SocketError";
}

/**
 * Clients of tmux, each a short-lived process for a few commands. Never one in control mode: between its first word and
 * its last one of introduction such a client kills the server, up to 3.6, when anything happens there that it is to be
 * told.
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
   * Runs commands in order, in one client; the first that fails ends them.
   *
   * @returns What they wrote, line by line.
   * @throws {TmuxError} tmux refused one.
   * @throws {GoneError} There is no server, or it did not answer.
   */
  async run(commands: readonly Command[]): Promise<string[]> {
    const ran = await this.#inTime((signal) => this.#client(this.#server, commands, signal));
    const lines = ran.output === "" ? [] : ran.output.replace(/\n$/, "").split("\n");
    const error = errorOf(commands, ran, lines);
    if (error !== null) throw error;
    return lines;
  }

  /**
   * Runs a shell command beside the server: in one that is made for it and ends with it.
   *
   * @returns Its exit code.
   * @throws {GoneError} There can be no such server.
   */
  async beside(command: string): Promise<number> {
    // a name that is short: the path of a socket has a limit
    const server = ["-L", this.#options.digestOf(this.#options.socket).slice(0, 8), "-f", "/dev/null", "-u"];
    const commands = [["start-server"], ["run-shell", command]];
    const ran = await this.#inTime((signal) => this.#client(server, commands, signal));
    const error = errorOf(commands, ran, []);
    if (error instanceof GoneError) throw error;
    return ran.code;
  }

  /** Starts a client when there is a place for it. */
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
   * Has a client become a shell with a command: so this process has a child that is no tmux.
   *
   * @returns What it wrote.
   * @throws {TmuxError} It failed.
   * @throws {GoneError} There is no server, or it did not answer.
   */
  async shell(command: string): Promise<string> {
    const ran = await this.#inTime((signal) => this.#start([...this.#server, "-c", command], signal));
    const error = errorOf([], ran, []);
    if (error !== null) throw error;
    return ran.output;
  }

  /** What the program says of its version. */
  async version(): Promise<string> {
    const { process, env } = this.#options;
    return (await process.run("tmux", ["-V"], { env: { PATH: env.PATH ?? "" } })).output.trim().split("\n", 1)[0];
  }

  /** Ends all that are under way: they reject with `reason`, as do those that come later. */
  close(reason: Error = new GoneError("the executor is closed")): void {
    this.#closed ??= reason;
    for (const late of this.#open.keys()) late.abort(this.#closed);
  }

  /** Resolves when none is under way. */
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
      // the first pane is made before any option is set, and the shell of a service's user may refuse to run anything
      env: this.foreign ? own : { ...own, SHELL: "/bin/sh" },
      cwd,
      signal,
      // INT and HUP of this process' terminal are for it alone
      detached: true,
    });
  }
}

/** Arguments of a client that runs some commands. */
export function argumentsOf(commands: readonly Command[]): string[] {
  // a semicolon at the end of an argument ends the command
  return commands.flatMap((command, i) => [...i === 0 ? [] : [";"], ...command.map((arg) => arg.replace(/;$/, "\\;"))]);
}

/** What a client's end means; `null`: it did what it was told. */
function errorOf(commands: readonly Command[], { code, errors }: Ran, lines: readonly string[]): Error | null {
  const [message] = errors.trim().split("\n", 1);
  // a server that cannot make its socket is started nevertheless, and its client content
  if (/^error creating /.test(message)) return new SocketError(message);
  if (code === 0) return null;
  const [, reason] = /^error connecting to .* \((.*)\)$/.exec(message) ?? [];
  if (/^no server running on /.test(message) || NO_SERVER.test(reason ?? "")) return new NoServerError(message);
  if (PASSING.test(reason ?? "") || /^(server exited|lost server)/.test(message)) return new GoneError(message);
  if (reason !== undefined || NO_FOLDER.test(message)) return new SocketError(message);
  const name = commands.length === 1 ? commands[0][0] : "tmux";
  return new TmuxError(`${name}: ${message || `ended with exit code ${code}`}`, lines);
}
