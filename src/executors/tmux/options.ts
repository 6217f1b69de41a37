import type { Clock } from "../../ports/clock.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import type { Process } from "../../ports/process.ts";

/** What a `TmuxExecutor` is made of. */
export interface TmuxOptions {
  readonly files: Files;
  readonly process: Process;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes an unguessable name; called once for a new spool. */
  readonly newId: () => string;
  /** Hex digits that stand for a text. */
  readonly digestOf: (text: string) => string;
  /** Folder for scripts, outputs and lanes: absolute, on a disk, not under /dev or /proc, ours alone. */
  readonly spool: string;
  /**
   * Name of the tmux server (`tmux -L NAME`). `default` is the user's own server: nothing is set there for all
   * sessions, so its configuration is in force.
   */
  readonly socket: string;
  /**
   * Identity of this runner on this host: panes are marked with it, and those of others are left alone. Letters,
   * digits, `-`.
   */
  readonly instance: string;
  /** Milliseconds between TERM and KILL when a run has reached its timeout. */
  readonly killGraceMs: number;
  /** Working directory of runs that name none. */
  readonly cwd: string;
  /**
   * What a run's environment begins with: of it HOME, PATH, USER, LOGNAME, SHELL, LANG and LC_* are taken. TMUX_TMPDIR,
   * the folder of tmux' sockets, goes to tmux alone. TERM comes from tmux.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Shell of payloads; without it bash where there is one, else sh. */
  readonly shell?: string;
  /** Shell of the lanes, such as `busybox sh`; without it the best one there is. */
  readonly laneShell?: string;
  /**
   * Whose panes stay as they are when their runs have ended: those with another exit code than 0, all, or none, the
   * default.
   */
  readonly keepPane?: "failed" | "always" | "never";
  /** Lanes that may wait for work as long as they like; without it 16 ... */
  readonly idleLanes?: number;
  /** ... and how long those above that may, milliseconds, before they are closed; without it 60,000. */
  readonly idleMs?: number;
}
