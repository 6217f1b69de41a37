import type { TerminalAccess } from "../../../ports/executor.ts";
import type { Channel } from "../../../domain/channel.ts";
import { SetupError } from "../../../domain/errors.ts";
import { poll } from "../../../domain/poll.ts";
import { isOlder } from "../../../domain/versions.ts";
import { accessOf } from "../people/attach.ts";
import { Clients, type Command, DEADLINE, GoneError, NoServerError, SocketError, TmuxError } from "./clients.ts";
import { commandsFor, type Inherited, readFacts } from "./inherited.ts";
import type { TmuxOptions } from "../options.ts";
import { OLDEST_TMUX, PROGRAMS } from "./weaknesses.ts";
import { literal, word } from "../quoting.ts";
import type { Spool } from "../spool.ts";
import { HOLDER_PREFIX } from "../target.ts";

/** Pauses between two attempts to reach a server, milliseconds; the last one repeats. */
const PAUSES = [0, 20, 50, 100, 200, 500];
/** Limit of the set-up script, milliseconds. */
const SETUP_LIMIT = 10_000;
/** Exit code of socket.sh when lanes are busy in another server. */
const BUSY_ELSEWHERE = 3;

/** A pane of the server. */
export interface Pane {
  /** Its id, such as `%3`. */
  readonly id: string;
  /** Process id of the program in it. */
  readonly pid: number;
  /** Its output goes into a log. */
  readonly piped: boolean;
  /** Name of the run whose end it shows while it is kept for people; else empty. */
  readonly kept: string;
  /** Our mark, set when we created it; empty for a pane that is not ours. */
  readonly mark: string;
}

/** Results of the set-up script. */
export interface HostReply {
  readonly bootId: string;
  /** Maximum number of open files of the server. */
  readonly nofile: number;
  readonly shell: string;
  readonly laneShell: string;
  /** Shell commands that apply the file mode mask and the limits of this process to a job. */
  readonly inherit: readonly string[];
}

/** The tmux server: started when there is none. No client stays connected to it. */
export class TmuxServer {
  readonly #options: TmuxOptions;
  readonly #spool: Spool;
  readonly #clients: Clients;
  /** Session of the runner itself, which lives as long as the server. */
  readonly holder: string;
  /** Version text of the server that was set up last. */
  version = "";
  #preparing: Promise<void> | null = null;
  #over = false;
  readonly #closing = new AbortController();
  /** It has been reached before. */
  #isOpened = false;
  readonly #checks: Channel<void>;

  /** @param checks Gets a value when the server is a new one: the panes of the old one are gone. */
  constructor(options: TmuxOptions, spool: Spool, checks: Channel<void>) {
    this.#checks = checks;
    this.#options = options;
    this.#spool = spool;
    this.#clients = new Clients(options);
    this.holder = `${HOLDER_PREFIX}-${options.instance}`;
  }

  /** Prefix of the command that attaches to a session. */
  get access(): TerminalAccess {
    return accessOf(this.#clients.foreign ? null : this.#options.socket);
  }

  /** Aborts when commands get no reply any more. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Runs commands in order; the first failure ends them. Related commands are cheaper in one call: each call is a
   * process.
   *
   * @returns What they wrote, line by line.
   * @throws {TmuxError} tmux refused one.
   * @throws {GoneError} The server did not respond.
   */
  async run(...commands: readonly Command[]): Promise<string[]> {
    try {
      return await this.#clients.run(commands);
    } catch (error) {
      if (!(error instanceof NoServerError) && !this.#isUnknown(error)) throw error;
      await this.#prepared();
      return await this.#clients.run(commands);
    }
  }

  /**
   * Returns whether the server has no session of ours: it is another server without our settings, or the session was
   * closed.
   */
  #isUnknown(error: unknown): boolean {
    return error instanceof TmuxError && error.message.includes("find session: ") &&
      error.message.endsWith(this.holder);
  }

  /** Returns whether the server responds: not when it is stopped or gone. */
  responds(): Promise<boolean> {
    return this.#clients.run([this.isOurs]).then(() => true, (error) => error instanceof TmuxError);
  }

  /** A command that fails when the server is not the one that we set up. */
  get isOurs(): Command {
    return ["has-session", "-t", `=${this.holder}`];
  }

  /** Starts a shell command in the server, without waiting for it. */
  async shell(command: string): Promise<void> {
    await this.run(["run-shell", "-b", literal(`${command} >/dev/null 2>&1`)]);
  }

  /** Lists all live panes. */
  async panes(): Promise<Pane[]> {
    const format = "#{pane_id} #{pane_pid} #{pane_dead} #{pane_pipe} <#{@runner_kept}> #{@runner_lane}";
    const list = () => this.run(["list-panes", "-a", "-F", format]);
    // a server that is just ending is not gone yet
    const lines = await list().catch((error) => error instanceof GoneError ? list() : Promise.reject(error));
    // a pane is listed once for each session of a group, and each view is a session of one
    return [...new Set(lines)].map((line) => {
      const [id, pid, dead, piped, kept, ...mark] = line.split(" ");
      return {
        id,
        pid: Number(pid),
        dead: dead === "1",
        piped: piped === "1",
        kept: kept.slice(1, -1),
        mark: mark.join(" "),
      };
    }).filter((pane) => !pane.dead);
  }

  /**
   * Lists all panes of a server that may not be ours; returns nothing when there is no server.
   *
   * @throws {SetupError} There is no usable tmux, or its server does not respond.
   */
  async query(format: string): Promise<readonly string[]> {
    const version = await this.#clients.version();
    if (isOlder(version, OLDEST_TMUX)) {
      throw new SetupError(`Cannot use "${version}": tmux ${OLDEST_TMUX} or later is needed`);
    }
    const list = async (): Promise<string[]> => {
      try {
        return await this.#clients.run([["list-panes", "-a", "-F", format]]);
      } catch (error) {
        if (!(error instanceof NoServerError)) throw error;
        if (!await this.#mayLive()) return [];
        await this.#callBack();
        return await this.#clients.run([["list-panes", "-a", "-F", format]]).catch((error) =>
          error instanceof NoServerError ? [] : Promise.reject(error)
        );
      }
    };
    // a server that is just ending is not gone yet; a stopped one is not queried twice
    const again = (error: unknown) => error instanceof GoneError && /^(server|lost)/.test(error.message);
    return await this.#usable(() => list().catch((error) => again(error) ? list() : Promise.reject(error)));
  }

  /**
   * Connects to the server for the first time and queries the host.
   *
   * @throws {SetupError} There is no tmux, or its server or the host does not respond.
   */
  async open(): Promise<HostReply> {
    const { files, clock } = this.#options;
    await this.#usable(() => this.#prepared());
    const answer = "host";
    await files.remove(`${this.#spool.dir}/${answer}`);
    const { shell } = this.#options;
    const trial = shell === undefined ? [] : [shell, this.#spool.scripts.shell];
    const { dir, scripts: { setup, inherited } } = this.#spool;
    await this.shell(["sh", setup, dir, answer, inherited, PROGRAMS.join(" "), ...trial].map(word).join(" "));
    // without a result jobs inherit from the server
    const own = readFacts(await this.#clients.shell(`exec sh ${word(inherited)} runner`).catch(() => ""));
    const text = await poll(async () => {
      this.closed.throwIfAborted();
      return await files.readText(`${dir}/${answer}`);
    }, { clock, everyMs: 2, limitMs: SETUP_LIMIT });
    if (text !== null) return this.#hostReply(readFacts(text), own);
    throw new SetupError(
      `Cannot use tmux: its server did not run "${this.#spool.scripts.setup}" within ${
        SETUP_LIMIT / 1000
      } s; is the spool folder on a disk that it can read and write${
        shell === undefined ? "" : `, and does ${JSON.stringify(shell)} end when it has run a script`
      }`,
    );
  }

  /** Runs the first tmux call, and reports a failure as one of tmux itself. */
  async #usable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TmuxError) {
        const version = await this.#clients.version();
        const remedy = isOlder(version, OLDEST_TMUX) ? `; tmux ${OLDEST_TMUX} or later is needed` : "";
        throw new SetupError(`Cannot use "${version}": ${error.message}${remedy}`, { cause: error });
      }
      if (!(error instanceof GoneError)) throw error;
      const remedy = error instanceof SocketError
        ? remedyFor(error.message)
        : error instanceof NoServerError
        ? "look at the folder of its socket, /tmp or TMUX_TMPDIR"
        : `if its server "${this.#options.socket}" is stopped let it go on, or end it`;
      throw new SetupError(`Cannot use tmux: ${error.message}; ${remedy}`, { cause: error });
    }
  }

  #hostReply(facts: Inherited, own: Inherited): HostReply {
    const { shell } = this.#options;
    const missing = facts.get("missing");
    if (missing !== undefined) {
      throw new SetupError(
        `Cannot run jobs: this host has no ${missing.replaceAll(" ", ", ")}, or not in PATH; install what is missing`,
      );
    }
    if (shell !== undefined && facts.get("tried") !== "fit") {
      const why = facts.get("tried") === "missing" ? "there is no such program on this host" : "it is no POSIX shell";
      throw new SetupError(
        `Cannot run payloads with shell ${
          JSON.stringify(shell)
        }: ${why}; name another one with --shell, such as sh, bash or zsh`,
      );
    }
    const nofile = Number(facts.get("nofile"));
    return {
      bootId: facts.get("boot")!,
      nofile: Number.isFinite(nofile) ? nofile : 1 << 20,
      shell: shell ?? facts.get("shell")!,
      laneShell: this.#options.laneShell ?? facts.get("lane_shell")!,
      inherit: commandsFor(own, facts),
    };
  }

  /** Closes this client side; the server keeps running. Pending calls reject, with `reason` when one is given. */
  close(reason?: Error): void {
    this.#over = true;
    this.#clients.close(reason);
    this.#closing.abort(reason ?? new GoneError("the executor is closed"));
  }

  /** Resolves when none of its clients is left. */
  idle(): Promise<void> {
    return this.#clients.idle();
  }

  /** Ensures that there is a server with our session and our settings. */
  #prepared(): Promise<void> {
    return this.#preparing ??= this.#prepare().finally(() => this.#preparing = null);
  }

  async #prepare(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + DEADLINE;
    for (let tries = 0;; tries++) {
      await clock.sleep(PAUSES[Math.min(tries, PAUSES.length - 1)]);
      try {
        return await this.#setUp();
      } catch (error) {
        // an old server is about to end, or another process creates the session at this moment
        const passing = error instanceof GoneError && !(error instanceof SocketError) ||
          error instanceof TmuxError && /duplicate session/.test(error.message);
        if (!passing || this.#over || clock.now() > until) throw error;
      }
    }
  }

  async #setUp(): Promise<void> {
    const settings = this.#settings();
    const isThere = () =>
      this.#clients.run([this.isOurs, ...settings]).then(([version]) => {
        this.version = version;
        return true;
      }, (error) => {
        if (!(error instanceof NoServerError) && !this.#isUnknown(error)) throw error;
        return false;
      });
    if (!await isThere() && !await this.#comesBack(isThere)) {
      [this.version] = await this.#clients.run([
        ["new-session", "-d", "-s", this.holder, "exec cat"],
        ...settings,
      ]);
      this.#checks.push();
    }
    this.#isOpened = true;
  }

  /** Returns whether a server with our lanes may be there, although its socket is not. */
  async #mayLive(): Promise<boolean> {
    if (this.#spool.isLost) return false; // socket.sh went with the folder
    return this.#isOpened || (await this.#options.files.list(this.#spool.lanes)).length > 0;
  }

  /**
   * Searches for the server of our lanes, whose socket may have been removed.
   *
   * @throws {SocketError} Jobs run in an unreachable server: creating another one would lose them.
   */
  async #comesBack(isThere: () => Promise<boolean>): Promise<boolean> {
    if (!await this.#mayLive()) return false;
    const isElsewhere = await this.#callBack();
    if (await isThere()) return true;
    if (!isElsewhere) return false;
    throw new SocketError(
      `jobs of this runner run in a server to which the socket "${this.#options.socket}" does not lead`,
    );
  }

  /**
   * Makes the server create its socket again. Returns whether lanes are busy in a server other than the reachable one.
   */
  async #callBack(): Promise<boolean> {
    const pid = await this.#clients.run([["display-message", "-p", "#{pid}"]]).catch(() => []);
    const args = ["sh", this.#spool.scripts.socket, this.#spool.dir, this.#options.socket, ...pid];
    return await this.#clients.beside(literal(args.map(word).join(" "))) === BUSY_ELSEWHERE;
  }

  #settings(): Command[] {
    const holder = `=${this.holder}:`;
    const own: Command[] = [
      ["display-message", "-p", "-t", holder, "#{version}"],
      // for viewers, which have nothing but the server
      ["set-option", "-t", holder, "@runner_spool", this.#spool.dir],
      ["set-option", "-t", holder, "destroy-unattached", "off"],
    ];
    if (this.#clients.foreign) return own;
    return [
      ...own,
      ["set-option", "-g", "default-shell", "/bin/sh"],
      ["set-option", "-s", "exit-empty", "off"],
      ["set-option", "-s", "message-limit", "0"],
      ["set-option", "-s", "set-clipboard", "off"],
      ["set-option", "-g", "history-limit", "2000"],
      ["set-option", "-g", "default-size", "200x50"],
      ["set-option", "-gw", "remain-on-exit", "off"],
    ];
  }
}

/** Returns the remedy for an unusable socket, from the message of tmux. */
function remedyFor(message: string): string {
  if (message.startsWith("jobs ")) {
    return "start it with the --tmux-socket and TMUX_TMPDIR that it had before, or end those jobs";
  }
  if (message.includes("name too long")) {
    return "give its server a shorter name with --tmux-socket, or set TMUX_TMPDIR to a folder with a shorter path";
  }
  return message.includes("unsafe permissions")
    ? "give that folder to this user alone (chmod 700), or set TMUX_TMPDIR to a folder of this user"
    : "set TMUX_TMPDIR to a folder that this user can write to";
}
