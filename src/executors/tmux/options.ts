import type { Clock } from "../../ports/clock.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import type { Process } from "../../ports/process.ts";

/** Dependencies and settings of a `TmuxExecutor`. */
export interface TmuxOptions {
  readonly files: Files;
  readonly process: Process;
  readonly clock: Clock;
  /** Returns the time of the host's wall clock, Unix ms; only people read it. */
  readonly wallClock: () => number;
  readonly log: Log;
  /** Creates an unguessable name; called once for a new spool. */
  readonly newId: () => string;
  /** Returns the digest of a text in hex digits. */
  readonly digestOf: (text: string) => string;
  /** Folder for scripts, outputs and lanes: absolute, on a disk, not under /dev or /proc, ours alone. */
  readonly spool: string;
  /**
   * Name of the tmux server (`tmux -L NAME`). `default` is the user's own server: no global options are set there, so
   * the user's configuration is in force.
   */
  readonly socket: string;
  /**
   * Identity of this runner on this host. Panes are marked with it; those of others are left alone. Letters, digits,
   * `-`.
   */
  readonly instance: string;
  /** Milliseconds between TERM and KILL when a run has reached its timeout. */
  readonly killGraceMs: number;
  /** Working directory of runs without one of their own. */
  readonly cwd: string;
  /**
   * Base of a run's environment: HOME, PATH, USER, LOGNAME, SHELL, LANG and LC_* of it are used. TMUX_TMPDIR, the
   * folder of tmux' sockets, is passed to tmux only. TERM comes from tmux.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Shell of payloads; by default bash if it is installed, else sh. */
  readonly shell?: string;
  /** Shell of the lanes, such as `busybox sh`; by default the best one on the host. */
  readonly laneShell?: string;
  /** Which panes stay as they are when their runs have ended: after a nonzero exit code, all, or none, the default. */
  readonly keepPane?: "failed" | "always" | "never";
  /** Bytes of an output that stay on disk, at least 32 MiB; 0: all of it. 1 GiB by default. */
  readonly outputLimit?: number;
  /** Bytes of all kept outputs together; 0: no limit. 10 GiB by default. */
  readonly outputTotal?: number;
  /** Number of lanes that may stay idle without limit; 16 by default. */
  readonly idleLanes?: number;
  /** How long idle lanes above that number live, milliseconds; 60,000 by default. */
  readonly idleMs?: number;
}
