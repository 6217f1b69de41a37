/**
 * What the faces of the program get from the outside, so that a test can run a command without Redis, terminal or
 * environment.
 *
 * @module
 */
import type { Calendar } from "../ports/calendar.ts";
import type { Clock } from "../ports/clock.ts";
import type { Environment } from "../ports/environment.ts";
import type { Place, TerminalAccess } from "../ports/executor.ts";
import type { Files } from "../ports/files.ts";
import type { Check, Finding } from "../ports/finding.ts";
import type { FolderInspection } from "../ports/folder_inspection.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { ClientStore } from "../ports/schedules.ts";
import type { Terminal } from "../ports/terminal.ts";
import type { Viewer } from "../ports/viewer.ts";

/** How a client connects to Redis. */
export interface StoreSettings {
  readonly redisUrl: string;
  /** Raw prefix of all keys, such as `production:`. */
  readonly namespace: string;
  /** Seconds until a call to Redis times out. */
  readonly redisTimeoutSeconds: number;
}

/**
 * Options of `runner run` by name; durations in seconds.
 *
 * ```ts no-eval
 * import { Runner, type RunnerOptions } from "@hero/runner";
 *
 * const settings: Partial<RunnerOptions> = { name: "build", concurrency: 2, defaultTimeout: 3600 };
 * const runner = await Runner.open(settings);
 * await runner.start();
 * ```
 */
export interface RunnerOptions {
  /** Name of the runner and of its queue. */
  readonly name: string;
  /** Prefix of all keys in Redis. */
  readonly namespace: string;
  /** `host:port`, `redis://[user:password@]host[:port][/db]` or `rediss://...`. */
  readonly redisUrl: string;
  /** Longest wait for a reply of Redis to a client command, seconds. */
  readonly redisTimeout: number;
  /** Write the log as JSON. */
  readonly json: boolean;
  /** Most jobs that run at the same time. */
  readonly concurrency: number;
  /** End when the queue is empty and no job runs. */
  readonly burst: boolean;
  /** On INT or TERM, wait for the running jobs instead of leaving them in tmux; `runner run` handles it. */
  readonly drain: boolean;
  /** Start a private redis-server at `redisUrl`. */
  readonly embeddedRedis: boolean;
  /** Socket name of the tmux server; `default` selects the user's own; undefined: `runner-NAME`. */
  readonly tmuxSocket: string | undefined;
  /** Folder for what must survive the runner; undefined: below the user's state folder. */
  readonly spool: string | undefined;
  /** Timeout of a job that sets none, seconds; undefined: no limit. */
  readonly defaultTimeout: number | undefined;
  /** Time between TERM and KILL, seconds. */
  readonly killGrace: number;
  /** How long Redis keeps an ended job that sets no time itself, seconds; 0: for ever. */
  readonly keep: number;
  /**
   * Bytes of an output that stay on disk; of a longer one only the first and the last half. At least 32 MiB; 0: all.
   */
  readonly outputLimit: number;
  /** Bytes of all ended outputs together, the oldest of which are removed; 0: no limit. */
  readonly outputTotal: number;
  /** Shell of payloads: `auto`, or a POSIX shell by name or path. */
  readonly shell: string;
  /** Whose terminals are kept for `runner attach`. */
  readonly keepPane: "failed" | "always" | "never";
  /** What becomes of the running jobs of a lost host. */
  readonly lostPolicy: "hold" | "requeue" | "fail";
  /** With `hold`, how long the host of a job without a timeout is waited for, seconds. */
  readonly lostAfter: number;
  /** Jobs that another client stored as a JSON string: run them, or make them dead letters. */
  readonly jsonJobs: "convert" | "reject";
  /** Jobs that name another runner. */
  readonly otherRunner: "reroute" | "run" | "error";
  /** Events after which `hook` runs: `start`, `end`, `input_required` and `lost`, separated by commas. */
  readonly on: string | undefined;
  /** Shell command that runs after the events of `on`, with a JSON object on standard input; undefined: none. */
  readonly hook: string | undefined;
  /** Shell command that runs when a job has ended: short for a hook on `end`; undefined: none. */
  readonly onEnd: string | undefined;
  /** Time limit of a hook, seconds. */
  readonly hookTimeout: number;
  /** Interval between heartbeats, seconds. */
  readonly heartbeat: number;
  /** Duration of a lease, seconds. */
  readonly lease: number;
}

/**
 * A runner as `runner run` uses it.
 *
 * ```ts no-eval
 * import type { OpenedRunner } from "@hero/runner";
 *
 * async function runBurst(runner: OpenedRunner): Promise<void> {
 *   await runner.start();
 *   await runner.ended();
 *   await runner.stop();
 * }
 * ```
 */
export interface OpenedRunner {
  /**
   * Recovers what earlier processes left, then starts to claim jobs.
   *
   * @throws {SetupError} This host or its spool cannot be used.
   * @throws {UnavailableError} Redis cannot be reached, refuses us or is not fit for use.
   */
  start(): Promise<void>;
  /** Resolves when a burst is over; rejects when the runner cannot continue. */
  ended(): Promise<void>;
  /** Ids of the running jobs. */
  running(): readonly string[];
  /** Claims no more jobs; resolves when no job runs, or when the signal aborts. */
  drain(signal: AbortSignal): Promise<void>;
  /** Releases everything; returns the jobs that continue without this process. */
  stop(): Promise<{ readonly running: readonly string[] }>;
}

/** The properties of a host that a runner depends on. */
export interface HostInspection {
  /** Whether it can run the executors. */
  readonly executors: readonly Check[];
  readonly spool: FolderInspection;
  /** Permissions of the program's sandbox that a runner needs and that are missing. */
  readonly missingRights: readonly string[];
  /** A file with a password that other users can read; absent when there is none. */
  readonly exposed?: string;
}

/** The properties of a host that `runner service` needs, and the files that it may change. */
export interface ServiceHost {
  /** Kind of system, such as `linux` or `darwin`. */
  readonly os: string;
  /** Path of the compiled program; `null` when it runs from source. */
  readonly program: string | null;
  readonly isRoot: boolean;
  readonly files: Pick<Files, "readText" | "makeFolder" | "write" | "remove">;
}

/** Everything outside the program; src/compose/compose.ts composes the real one. */
export interface Compose {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Opens the calendar, which only schedules need. */
  openCalendar(): Promise<Calendar>;
  /** Returns a new id for a job. */
  newId(): string;
  /** Calls the handler on INT, TERM and HUP; the returned function removes it. */
  onSignals(handler: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void): () => void;
  /**
   * Connects to Redis.
   *
   * @throws {UnavailableError} It cannot be reached within the time, or refuses us.
   */
  openStore(settings: StoreSettings): Promise<ClientStore>;
  /**
   * Opens a runner, which locks this host's spool from now on.
   *
   * @throws {SetupError} Another runner holds the spool, or it cannot be used.
   */
  openRunner(settings: RunnerOptions): Promise<OpenedRunner>;
  /**
   * Parses an executor string with the executor's own parser.
   *
   * @throws {InvalidInputError} No executor accepts it.
   */
  checkExecutor(target: string): Place;
  /**
   * Returns the command that attaches to the terminals of an executor string, from what its runner reported; `null`:
   * there is none.
   */
  attachLine(access: TerminalAccess | null, target: string): string | null;
  /**
   * Checks the Redis server.
   *
   * @throws {UnavailableError} It cannot be reached, or refuses us.
   */
  checkRedis(settings: StoreSettings): Promise<readonly Finding[]>;
  /**
   * Inspects this host. `spool` is the folder to inspect, the default one when left out; `secretFile` is a file with a
   * password.
   */
  inspectHost(spool?: string, secretFile?: string): Promise<HostInspection>;
  /** Returns the properties of this host that matter to a supervisor. */
  serviceHost(): Promise<ServiceHost>;
  /** Opens the viewer, which shows terminals of jobs in ours. */
  openViewer(): Promise<Viewer>;
  /**
   * Opens the outputs that runners of this user keep on this host. `spool` is their folder, the default one when left
   * out.
   */
  openHostOutput(where: { readonly spool?: string; readonly namespace: string }): Promise<HostOutput>;
  /** Returns the name of this host, as runners report theirs. */
  hostName(): Promise<string>;
  /** Returns the URL with its password masked; accepts any text. */
  maskUrl(url: string): string;
}
