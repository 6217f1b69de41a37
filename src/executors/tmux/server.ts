import { SetupError } from "../../domain/errors.ts";
import { ControlClient, GoneError } from "./control.ts";
import type { TmuxOptions } from "./options.ts";
import { argument, literal, word } from "./quoting.ts";
import type { Spool } from "./spool.ts";
import { HOLDER_PREFIX } from "./target.ts";

/** Pauses between two tries to reach a server, milliseconds; the last one repeats. */
const PAUSES = [0, 20, 50, 100, 200, 500, 1000];
/** How long the host has for the set-up script, milliseconds. */
const SETUP_LIMIT = 10_000;
/** How long an earlier connection may take to leave by itself, milliseconds; it takes a few as a rule. */
const LEAVE_LIMIT = 1000;
/** The first tmux that takes the flags of our connection. */
const OLDEST = "3.2";
/** Notices after which panes may be gone. */
const CHANGES = /^(unlinked-)?window-(close|renamed)$|^layout-change$|^sessions-changed$|^exit$/;

/** A pane of the server. */
export interface Pane {
  /** Id of its window, such as `@2`. */
  readonly window: string;
  /** Its own id, such as `%3`. */
  readonly id: string;
  /** Process id of the program in it. */
  readonly pid: number;
  /** Its output goes into a log. */
  readonly piped: boolean;
  /** Name of the run whose end it shows, kept for people to look at; else empty. */
  readonly kept: string;
  /** What we wrote on it when we made it; empty for a pane of somebody else. */
  readonly mark: string;
}

/** What the set-up script found. */
export interface HostAnswer {
  readonly bootId: string;
  /** Files that the server may have open. */
  readonly nofile: number;
  readonly shell: string;
  readonly laneShell: string;
}

/** The tmux server: started when there is none, and kept in reach. */
export class TmuxServer {
  readonly #options: TmuxOptions;
  readonly #spool: Spool;
  /** Session of the runner's own, which lives as long as the server. */
  readonly holder: string;
  #client: ControlClient | null = null;
  #connecting: Promise<ControlClient> | null = null;
  #closed = false;
  /** Panes may have come or gone. */
  onChange: () => void = () => {};

  constructor(options: TmuxOptions, spool: Spool) {
    this.#options = options;
    this.#spool = spool;
    this.holder = `${HOLDER_PREFIX}-${options.instance}`;
  }

  /** Whether it is the user's own server. */
  get #foreign(): boolean {
    return this.#options.socket === "default";
  }

  /** Prefix of the command that attaches to a session. */
  get attach(): string {
    return this.#foreign ? "tmux attach -t" : `tmux -L ${this.#options.socket} attach -t`;
  }

  /**
   * Sends a command; connects before when there is no connection.
   *
   * @throws {TmuxError} tmux refused it.
   * @throws {GoneError} The connection ended meanwhile.
   */
  async command(line: string): Promise<readonly string[]> {
    return await (await this.#connection()).command(line);
  }

  /** Has a shell run a command in the server, without waiting for it; `afterSeconds` later when given. */
  async shell(command: string, afterSeconds = 0): Promise<void> {
    const delay = afterSeconds > 0 ? `-d ${afterSeconds} ` : "";
    await this.command(`run-shell -b ${delay}${argument(literal(`${command} >/dev/null 2>&1`))}`);
  }

  /** All panes. */
  async panes(): Promise<Pane[]> {
    const format = "#{window_id} #{pane_id} #{pane_pid} #{pane_dead} #{pane_pipe} <#{@runner_kept}> #{@runner_lane}";
    const list = () => this.command(`list-panes -a -F ${argument(format)}`);
    // a connection that ends just now is not yet the server's end
    const lines = await list().catch((error) => error instanceof GoneError ? list() : Promise.reject(error));
    // a pane is listed once for each session of a group, and somebody who looks has one
    return [...new Set(lines)].map((line) => {
      const [window, id, pid, dead, piped, kept, ...mark] = line.split(" ");
      return {
        window,
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
   * Connects for the first time and asks the host.
   *
   * @throws {SetupError} There is no tmux, or the host does not answer.
   */
  async open(): Promise<HostAnswer> {
    const { files, clock } = this.#options;
    const old = (await files.readText(this.#spool.client))?.trim() ?? "";
    await this.#firstConnection();
    const answer = "host";
    await files.remove(`${this.#spool.dir}/${answer}`);
    await this.shell(["sh", this.#spool.setup, this.#spool.dir, answer, old, this.holder].map(word).join(" "));
    const until = clock.now() + SETUP_LIMIT;
    while (clock.now() < until) {
      const text = await files.readText(`${this.#spool.dir}/${answer}`);
      if (text !== null) return this.#hostAnswer(text);
      await clock.sleep(2);
    }
    throw new SetupError(
      `Cannot use tmux: its server did not run "${this.#spool.setup}" within ${
        SETUP_LIMIT / 1000
      } s; is the spool folder on a disk that it can read and write`,
    );
  }

  async #firstConnection(): Promise<void> {
    try {
      await this.#connection();
    } catch (error) {
      if (error instanceof SetupError) throw error;
      const [version] = await this.#ask(["-V"]);
      const why = error instanceof Error ? error.message : String(error);
      throw new SetupError(`Cannot use "${version}": ${why}; tmux ${OLDEST} or later is needed`, { cause: error });
    }
  }

  #hostAnswer(text: string): HostAnswer {
    const facts = new Map(
      text.trim().split("\n").map((line) => {
        const [name, ...value] = line.split(" ");
        return [name, value.join(" ")];
      }),
    );
    const nofile = Number(facts.get("nofile"));
    return {
      bootId: facts.get("boot")!,
      nofile: Number.isFinite(nofile) ? nofile : 1 << 20,
      shell: this.#options.shell ?? facts.get("shell")!,
      laneShell: this.#options.laneShell ?? facts.get("lane_shell")!,
    };
  }

  /** Lets go; the server goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting?.catch(() => {});
    await this.#client?.close();
  }

  #connection(): Promise<ControlClient> {
    if (this.#client && !this.#client.over) return Promise.resolve(this.#client);
    if (this.#closed) return Promise.reject(new GoneError("the executor is closed"));
    this.#connecting ??= this.#connect().finally(() => this.#connecting = null);
    return this.#connecting;
  }

  async #connect(): Promise<ControlClient> {
    const session = ["-C", "new-session", "-A", "-s", this.holder, "-f", "no-output,ignore-size", "exec cat"];
    for (let tries = 0;; tries++) {
      await this.#options.clock.sleep(PAUSES[Math.min(tries, PAUSES.length - 1)]);
      await this.#predecessorGone();
      const client = new ControlClient(this.#spawn(session), (name) => this.#notice(name));
      try {
        await client.ready();
        await this.#prepare(client);
        this.#client = client;
        client.ended.then(() => this.#lost(client));
        return client;
      } catch (error) {
        await client.close();
        if (this.#closed || tries > PAUSES.length + 10) throw error;
      }
    }
  }

  /**
   * Waits until the connection before this one has left the server; ends it when nobody reads it any more.
   *
   * tmux up to 3.4 dies, and all runs with it, when it tells a control client that has just connected about one that leaves.
   */
  async #predecessorGone(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + LEAVE_LIMIT;
    while (clock.now() < until + LEAVE_LIMIT) {
      const lines = await this.#ask(["list-clients", "-F", "#{client_control_mode} #{client_pid} #{client_session}"]);
      const old = lines.find((line) => line.startsWith("1 ") && line.endsWith(` ${this.holder}`));
      if (!old) return;
      if (clock.now() > until) await this.#ask(["run-shell", "-b", `kill ${old.split(" ")[1]}`]);
      await clock.sleep(2);
    }
  }

  /** A command of its own, for when there is no connection; no answer when there is no server. */
  async #ask(command: readonly string[]): Promise<string[]> {
    const child = this.#spawn(command);
    await child.end();
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of child.output) text += decoder.decode(bytes, { stream: true });
    await child.exited;
    return text.split("\n");
  }

  #spawn(command: readonly string[]) {
    const { process, env, socket, cwd } = this.#options;
    const names = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TMUX_TMPDIR"];
    const own = Object.fromEntries(Object.entries(env).filter(([name]) => names.includes(name)));
    if (this.#foreign) return process.spawn("tmux", ["-u", ...command], { env: own, cwd });
    // the first pane is made before any option is set, and the shell of a service's user may refuse to run anything
    const server = ["-L", socket, "-f", "/dev/null", "-u"];
    return process.spawn("tmux", [...server, ...command], { env: { ...own, SHELL: "/bin/sh" }, cwd });
  }

  async #prepare(client: ControlClient): Promise<void> {
    const [pid] = await client.command(`display-message -p ${argument("#{client_pid}")}`);
    await this.#options.files.write(this.#spool.client, `${pid}\n`);
    // for viewers, which know nothing but the server
    await client.command(`set-option -t ${argument(`=${this.holder}:`)} @runner_spool ${argument(this.#spool.dir)}`);
    if (this.#foreign) return;
    const hook = `run-shell -b ${argument(literal(`echo L 1<>${word(this.#spool.done)}`))}`;
    const settings = [
      "set-option -g default-shell /bin/sh",
      "set-option -s exit-empty off",
      "set-option -s message-limit 0",
      "set-option -s set-clipboard off",
      "set-option -g history-limit 2000",
      "set-option -g default-size 200x50",
      "set-option -gw remain-on-exit off",
      // the only word about a pane that closes beside others
      `set-hook -g ${argument("window-layout-changed[900]")} ${argument(hook)}`,
    ];
    await Promise.all(settings.map((line) => client.command(line)));
  }

  #notice(name: string): void {
    if (CHANGES.test(name)) this.onChange();
  }

  #lost(client: ControlClient): void {
    if (this.#client !== client) return;
    this.#client = null;
    if (!this.#closed) this.onChange();
  }
}
