/**
 * What a command gets. Everything from outside the program comes through it, so that a command runs in a test without
 * Redis, terminal or environment.
 *
 * @module
 */
import type { Clock } from "../ports/clock.ts";
import type { Environment } from "../ports/environment.ts";
import type { Place } from "../ports/executor.ts";
import type { FolderInspection } from "../ports/folder_inspection.ts";
import type { Files } from "../ports/files.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Viewer } from "../ports/viewer.ts";
import type { Terminal } from "../ports/terminal.ts";
import type { OptionRow, OptionRows, Values } from "./option_row.ts";
import type { GLOBAL_ROWS, RUN_ROWS } from "./options.ts";

/** Where and how a client speaks with Redis. */
export interface StoreSettings {
  readonly redisUrl: string;
  /** Raw prefix of all keys, such as `production:`. */
  readonly namespace: string;
  /** Seconds until a call to Redis is given up. */
  readonly redisTimeoutSeconds: number;
}

/**
 * What `runner run` was told: its options by name, durations in seconds.
 *
 * ```ts no-eval
 * import { Runner, type WorkerSettings } from "@hero/runner";
 *
 * const settings: Partial<WorkerSettings> = { name: "build", concurrency: 2, defaultTimeout: 3600 };
 * const runner = await Runner.open(settings);
 * await runner.start();
 * ```
 */
export type WorkerSettings = Values<typeof GLOBAL_ROWS & typeof RUN_ROWS>;

/**
 * A worker as `runner run` sees it.
 *
 * ```ts no-eval
 * import type { Worker } from "@hero/runner";
 *
 * async function runBurst(worker: Worker): Promise<void> {
 *   await worker.start();
 *   await worker.ended();
 *   await worker.stop();
 * }
 * ```
 */
export interface Worker {
  /**
   * Takes up what earlier processes left, and begins to take jobs.
   *
   * @throws {SetupError} This host or its spool cannot be used.
   * @throws {UnavailableError} Redis cannot be reached, refuses us or is not fit for use.
   */
  start(): Promise<void>;
  /** Resolves when a burst is over; rejects when the worker cannot go on. */
  ended(): Promise<void>;
  /** Ids of the jobs that run now. */
  running(): readonly string[];
  /** Takes nothing more; resolves when no job runs, or when the signal aborts. */
  drain(signal: AbortSignal): Promise<void>;
  /** Lets go; answers what goes on without it. */
  stop(): Promise<{ readonly running: readonly string[] }>;
}

/** Something about a Redis server or a host that is not as it should be. */
export interface Finding {
  /** `error`: a runner cannot work, or jobs would be lost. */
  readonly severity: "error" | "warning";
  readonly subject: string;
  /** What is true now. */
  readonly says: string;
  /** What to do. */
  readonly remedy: string;
}

/** What a host offers to a runner. */
export interface HostInspection {
  /** What `tmux -V` says; `null`: there is none that we may run. */
  readonly tmux: string | null;
  /** What that version is known for; `null`: nothing that is in the way of people. */
  readonly tmuxWeakness: { readonly says: string; readonly remedy: string } | null;
  readonly spool: FolderInspection;
  /** Programs besides tmux that a runner calls and that are not in PATH. */
  readonly missingPrograms: readonly string[];
  /** Rights of the program's sandbox that a runner needs and that are missing. */
  readonly missingRights: readonly string[];
  /** A file with a password that other users may read; absent when there is none. */
  readonly exposed?: string;
}

/** What `runner service` must know of its host, and may change. */
export interface ServiceHost {
  /** Kind of system, such as `linux` or `darwin`. */
  readonly os: string;
  /** Path of the compiled program; `null` when it runs from source. */
  readonly program: string | null;
  readonly isRoot: boolean;
  readonly files: Pick<Files, "readText" | "makeFolder" | "write" | "remove">;
}

/** The real world, wired in src/cli/wire.ts. */
export interface Compose {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly clock: Clock;
  /** A new id for a job. */
  newId(): string;
  /** Calls back at INT, TERM and HUP; the answer ends that. */
  onSignals(handler: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void): () => void;
  /**
   * Connects to Redis.
   *
   * @throws {UnavailableError} It cannot be reached within the time, or refuses us.
   */
  openStore(settings: StoreSettings): Promise<JobStore>;
  /**
   * Makes a worker, which holds this host's spool from now on.
   *
   * @throws {SetupError} Another worker holds the spool, or it cannot be used.
   */
  openWorker(settings: WorkerSettings): Promise<Worker>;
  /**
   * Reads an executor string with the executor's own parser.
   *
   * @throws {InvalidInputError} No executor would take it.
   */
  checkExecutor(target: string): Place;
  /**
   * The command that attaches to the terminals of an executor string, by what its runner says; `null`: there is none.
   */
  attachLine(said: string, target: string): string | null;
  /**
   * Judges the Redis server.
   *
   * @throws {UnavailableError} It cannot be reached, or refuses us.
   */
  checkRedis(settings: StoreSettings): Promise<readonly Finding[]>;
  /**
   * Looks at this host; `spool` is the folder to look at, the default one when left out, `secretFile` a file with a
   * password.
   */
  inspectHost(spool?: string, secretFile?: string): Promise<HostInspection>;
  /** This host, as far as a supervisor is concerned. */
  serviceHost(): Promise<ServiceHost>;
  /** What shows terminals of jobs in ours. */
  openViewer(): Promise<Viewer>;
  /** What runners of this user keep on this host; `spool` is their folder, the default one when left out. */
  openHostOutput(where: { readonly spool?: string; readonly namespace: string }): Promise<HostOutput>;
  /** Name of this host, as runners tell theirs. */
  hostName(): Promise<string>;
  /** The URL with its password masked; any text is accepted. */
  maskUrl(url: string): string;
}

/** What the run of a command gets. */
export interface Context<Rows extends OptionRows = Readonly<Record<never, OptionRow>>> {
  readonly compose: Compose;
  readonly terminal: Terminal;
  /** Values of the command's own options and of the global ones. */
  readonly settings: Values<Omit<typeof GLOBAL_ROWS, keyof Rows> & Rows>;
  /** Where each value comes from, in words. */
  readonly origins: Readonly<Record<string, string>>;
  /** Arguments that are no options. */
  readonly positionals: readonly string[];
  /** Arguments after `--`; `null` without it. */
  readonly rest: readonly string[] | null;
  /** Whether standard output gets colours. */
  readonly color: boolean;
  /** Redis, connected at the first call; closed when the command ends. */
  store(): Promise<JobStore>;
}
