import type { Ran } from "../../ports/process.ts";
import type { TmuxOptions } from "./options.ts";

/** How long commands may take, milliseconds, their wait for a place included; then the server is as good as gone. */
export const DEADLINE = 10_000;
/** Clients side by side: one that does not answer must not fill the host with them. */
const SIDE_BY_SIDE = 4;

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

/**
 * Clients of tmux, each a short-lived process for a few commands. Never one in control mode: between its first word and its last one
 * of introduction such a client kills the server, up to 3.6, when anything happens there that it is to be told.
 */
export class Clients {
  readonly #options: TmuxOptions;
  readonly #open = new Set<AbortController>();
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
    if (this.#closed) throw this.#closed;
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new GoneError(`tmux did not answer within ${DEADLINE / 1000} s`)),
      DEADLINE,
    );
    this.#open.add(late);
    try {
      await this.#turn(late.signal);
      try {
        return await this.#ask(commands, late.signal);
      } finally {
        this.#running--;
        this.#waiting.shift()?.();
      }
    } finally {
      clearTimeout(timer);
      this.#open.delete(late);
    }
  }

  /** What the program says of its version. */
  async version(): Promise<string> {
    const { process, env } = this.#options;
    return (await process.run("tmux", ["-V"], { env: { PATH: env.PATH ?? "" } })).output.trim().split("\n", 1)[0];
  }

  /** Ends all that are under way: they reject with `reason`, as do those that come later. */
  close(reason: Error = new GoneError("the executor is closed")): void {
    this.#closed ??= reason;
    for (const late of this.#open) late.abort(this.#closed);
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

  async #ask(commands: readonly Command[], signal: AbortSignal): Promise<string[]> {
    const { process, env, socket, cwd } = this.#options;
    const names = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TMUX_TMPDIR"];
    const own = Object.fromEntries(Object.entries(env).filter(([name]) => names.includes(name)));
    const server = this.foreign ? ["-u"] : ["-L", socket, "-f", "/dev/null", "-u"];
    const ran = await process.run("tmux", [...server, ...argumentsOf(commands)], {
      // the first pane is made before any option is set, and the shell of a service's user may refuse to run anything
      env: this.foreign ? own : { ...own, SHELL: "/bin/sh" },
      cwd,
      signal,
    });
    const lines = ran.output === "" ? [] : ran.output.replace(/\n$/, "").split("\n");
    if (ran.code !== 0) throw errorOf(commands, ran, lines);
    return lines;
  }
}

/** Arguments of a client that runs some commands. */
export function argumentsOf(commands: readonly Command[]): string[] {
  // a semicolon at the end of an argument ends the command
  return commands.flatMap((command, i) => [...i === 0 ? [] : [";"], ...command.map((arg) => arg.replace(/;$/, "\\;"))]);
}

function errorOf(commands: readonly Command[], { code, errors }: Ran, lines: readonly string[]): Error {
  const [message] = errors.trim().split("\n", 1);
  if (/^(no server running on|error connecting to) /.test(message)) return new NoServerError(message);
  if (/^(server exited|lost server)/.test(message)) return new GoneError(message);
  const name = commands.length === 1 ? commands[0][0] : "tmux";
  return new TmuxError(`${name}: ${message || `ended with exit code ${code}`}`, lines);
}
