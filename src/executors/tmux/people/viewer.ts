import { NoTerminalError } from "../../../domain/errors.ts";
import { attemptName } from "../../../domain/attempt_name.ts";
import type { Process, Ran } from "../../../ports/process.ts";
import type { TerminalAccess } from "../../../ports/executor.ts";
import type { Sight, Viewer, ViewOptions } from "../../../ports/viewer.ts";
import { checkHost, idsOf, serverOf } from "./attach.ts";
import { literal, printed, word } from "../quoting.ts";
import { HOLDER_PREFIX } from "../target.ts";

/**
 * Prefix of the names of view sessions; no target begins with it. They sort after all other names. When the last window
 * of a group is closed, a server of tmux 3.6 or older may die. It survives only if the session that all the others
 * joined sorts first.
 */
const VIEW_PREFIX = "~runner-view-";

/** Messages of tmux about a TERM that the host has no description of, and names that nearly every host describes. */
const UNKNOWN_TERM = /(missing or unsuitable terminal|can't find terminfo|terminal does not support)/;
const KNOWN_TERMS = ["xterm-256color", "screen-256color", "xterm", "screen", "linux", "vt100"];

/** How a program in the terminal of this process ended. */
type Shown = Pick<Ran, "code" | "errors">;

/** Dependencies of a `TmuxViewer`. */
export interface ViewerOptions {
  readonly process: Process;
  /** Runs a program in the terminal of this process until it ends. */
  readonly inTerminal: (
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => Promise<Shown>;
  /** Environment of tmux, and of ssh. */
  readonly env: Readonly<Record<string, string>>;
  /** Returns the digest of a text in hex digits. */
  readonly digestOf: (text: string) => string;
  /** Creates a unique name. */
  readonly newId: () => string;
}

/**
 * Shows panes. Each view is a session in the group of the pane's session. It has the same windows, but its own current
 * window, and its client has its own active pane. It ends with the view; if its process was killed, the next view ends
 * it.
 */
export class TmuxViewer implements Viewer {
  readonly #options: ViewerOptions;

  constructor(options: ViewerOptions) {
    this.#options = options;
  }

  async find({ access, instance, id, token, ended }: Sight): Promise<string | null> {
    const server = serverOf(access);
    if (!/^[\w-]{1,64}$/.test(instance)) {
      throw new NoTerminalError(`Cannot attach: ${JSON.stringify(instance)} is no instance of a runner`);
    }
    const run = attemptName({ id, token }, this.#options.digestOf);
    const format = "#{session_id} #{window_id} #{pane_id} <#{@runner_kept}> #{@runner_lane}";
    // the panes of a view also belong to another session, which stays
    const unlessView = `#{?#{m:${VIEW_PREFIX}*,#{session_name}},,${format}}`;
    const panes = await this.#query([...server, "list-panes", "-a", "-F", unlessView]);
    if (panes === null) {
      throw new NoTerminalError(
        `Cannot attach: this user has no tmux server "${
          server[1] ?? "default"
        }" on this host; attach as the user that runs the runner`,
      );
    }
    const placeIn = (line: string | undefined) => line?.split(" ", 3).join(" ") ?? null;
    const kept = panes.find((line) => line.includes(` <${run}> `));
    if (kept !== undefined || ended) return placeIn(kept);
    const ours = panes.filter((line) => line.includes(` <> ${instance} `));
    const roots = await this.#rootsOf(server, instance, ours.map((line) => line.split(" ")[5]));
    return placeIn(ours[roots.findIndex((root) => root.includes(` name=${run};`))]);
  }

  /**
   * Returns the records of the runs that lanes began last. They are in the spool; an option of the runner's own session
   * gives its path.
   */
  async #rootsOf(server: readonly string[], instance: string, lanes: readonly string[]): Promise<string[]> {
    const holder = `=${HOLDER_PREFIX}-${instance}:`;
    const asked = await this.#query([...server, "display-message", "-p", "-t", holder, "#{version} #{@runner_spool}"]);
    const [, version, said] = /^(\S*) (.+)/.exec(asked?.[0] ?? "") ?? [];
    if (said === undefined) return [];
    const spool = literal(printed(said, version));
    // tmux reads the files, so this process needs no read permission
    const buffer = `runner-view-${this.#options.newId()}`;
    const roots: string[] = [];
    for (const lane of lanes) {
      // a job can set the options of its pane
      if (!/^[\w-]+$/.test(lane)) {
        roots.push("");
        continue;
      }
      const load = ["load-buffer", "-b", buffer, `${spool}/lanes/${lane}/root`];
      const show = ["show-buffer", "-b", buffer, ";", "delete-buffer", "-b", buffer];
      roots.push((await this.#query([...server, ...load, ";", ...show]))?.[0] ?? "");
    }
    return roots;
  }

  async leaveKeys(access: TerminalAccess | null, host: string | null): Promise<string> {
    // a runner's server on another host has no configuration
    const [prefix = "C-b"] = host === null
      ? await this.#query([...serverOf(access), "show-options", "-gv", "prefix"]) ?? []
      : [];
    const key = prefix.replace(/^C-/, "Ctrl-");
    return this.#options.env.TMUX ? `${key} ${key} d (inside another tmux, ${key} counts only twice)` : `${key} d`;
  }

  async view(access: TerminalAccess | null, place: string, options: ViewOptions): Promise<void> {
    const { host } = options;
    if (host === null) {
      await this.#clear(access);
      const name = this.#newName();
      const ended = await this.#show(["-u", ...viewOf(access, place, name, options)]);
      await this.#query(endOf(access, name));
      if (ended.code === 0) return;
      throw new NoTerminalError(
        `Cannot attach: tmux says ${JSON.stringify(ended.errors.trim())} and ended with exit code ${ended.code}`,
      );
    }
    checkHost(host);
    // only tmux may be started: a temporary server, without keys and status line, starts ssh, and its client returns
    // the exit code of ssh
    const hold = `"$@"; rc=$?; [ $rc = 0 ] && exit; echo "ssh ended with exit code $rc; press Enter"; read -r _; ` +
      `tmux detach-client -E "exit $rc"`;
    const settings = ["status off", "prefix None", "escape-time 0", "default-terminal screen-256color"];
    const ssh = ["sh", "-c", hold, "sh", "ssh", "-t", "--", host, this.#wholeLine(access, place, options)];
    const server = ["-L", `runner-ssh-${this.#options.newId().slice(0, 8)}`, "-f", "/dev/null", "-u", "start-server"];
    const set = settings.flatMap((setting) => [";", "set-option", "-g", ...setting.split(" ")]);
    const { code, errors } = await this.#show([...server, ...set, ";", "new-session", ...ssh], { SHELL: "/bin/sh" });
    if (code === 0) return;
    throw new NoTerminalError(
      `Cannot attach on host ${JSON.stringify(host)}: ${errors.trim() || `ssh ended with exit code ${code}`}`,
    );
  }

  /** Runs tmux in the terminal of this process, with another TERM when tmux has no description of the present one. */
  async #show(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Shown> {
    const { TMUX: _, ...own } = this.#options.env;
    const env = { ...own, ...more };
    let ended = await this.#options.inTerminal("tmux", args, env);
    // a dumb terminal would print the escape sequences of another one
    if (env.TERM === "dumb") return ended;
    for (const TERM of KNOWN_TERMS) {
      if (ended.code === 0 || !UNKNOWN_TERM.test(ended.errors)) break;
      if (TERM !== env.TERM) ended = await this.#options.inTerminal("tmux", args, { ...env, TERM });
    }
    return ended;
  }

  command(access: TerminalAccess | null, place: string, options: ViewOptions): string {
    if (options.host !== null) checkHost(options.host);
    const line = this.#remoteLine(access, place, options);
    return options.host === null ? line : `ssh -t ${word(options.host)} ${word(line)}`;
  }

  #remoteLine(access: TerminalAccess | null, place: string, options: ViewOptions): string {
    const name = this.#newName();
    return [viewOf(access, place, name, options), endOf(access, name)].map((args) =>
      ["tmux", ...args.map((arg) => /^[\w.,=@%:-]+$/.test(arg) ? arg : word(arg))].join(" ")
    ).join("; ");
  }

  /** Returns the command line of `#remoteLine` with the exit code of the view itself, for any login shell. */
  #wholeLine(access: TerminalAccess | null, place: string, options: ViewOptions): string {
    const name = this.#newName();
    const [view, end] = [viewOf(access, place, name, options), endOf(access, name)].map((args) =>
      ["tmux", ...args.map(word)].join(" ")
    );
    return `sh -c ${word(`${view}; rc=$?; ${end} 2>/dev/null; exit $rc`)}`;
  }

  #newName(): string {
    return `${VIEW_PREFIX}${this.#options.newId().slice(0, 8)}`;
  }

  /** Ends views whose processes were killed. */
  async #clear(access: TerminalAccess | null): Promise<void> {
    const format = "#{session_attached} #{session_name}";
    for (const line of await this.#query([...serverOf(access), "list-sessions", "-F", format]) ?? []) {
      const [attached, name] = line.split(" ");
      if (attached === "0" && name.startsWith(VIEW_PREFIX)) await this.#query(endOf(access, name));
    }
  }

  /** Returns the output lines of a command; `null` when it failed. */
  async #query(args: readonly string[]): Promise<string[] | null> {
    const { TMUX: _, ...env } = this.#options.env;
    const { code, output } = await this.#options.process.run("tmux", ["-u", ...args], { env });
    return code === 0 ? output.replace(/\n$/, "").split("\n") : null;
  }
}

/** Returns the arguments of the command that shows a pane in a session of its own. */
function viewOf(access: TerminalAccess | null, place: string, name: string, { write }: ViewOptions): string[] {
  const [session, window, pane] = idsOf(place);
  const flags = ["ignore-size", "active-pane", ...write ? [] : ["read-only"]].join(",");
  return [
    ...serverOf(access),
    ...["new-session", "-t", session, "-s", name, "-f", flags],
    ...[";", "set-option", "-t", `=${name}:`, "status-right", ` ${write ? "" : "read-only, "}leave: #{prefix} d `],
    ...[";", "select-window", "-t", `=${name}:${window}`],
    ...[";", "select-pane", "-t", pane],
  ];
}

/**
 * Returns the arguments of the command that ends a view. Its option `destroy-unattached` would do so too, and tmux 3.3
 * dies of it.
 */
function endOf(access: TerminalAccess | null, name: string): string[] {
  return [...serverOf(access), "kill-session", "-t", `=${name}`];
}
