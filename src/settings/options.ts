/**
 * Options of every command, and every setting. Options that only one command has are in the file of that command.
 *
 * @module
 */
import { readHookEvents } from "../domain/hook_event.ts";
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_KEEP,
  DEFAULT_KILL_GRACE,
  DEFAULT_OUTPUT_LIMIT,
  DEFAULT_OUTPUT_TOTAL,
  DEFAULT_REDIS_URL,
  DEFAULT_RUNNER,
  MAX_TIMEOUT,
  MIN_OUTPUT_LIMIT,
  MIN_TIMEOUT,
} from "../domain/limits.ts";
import { readNamespace } from "../domain/namespace.ts";
import { readRunnerName } from "../domain/runner_name.ts";
import type { OptionRows } from "./option_row.ts";
import { readHook, readSocket, readSpool } from "./option_readers.ts";

/** Options of every command. */
export const GLOBAL_ROWS = {
  name: {
    type: "string",
    short: "n",
    value: "NAME",
    env: "RUNNER_NAME",
    config: true,
    default: DEFAULT_RUNNER,
    read: readRunnerName,
    completes: "runners",
    help: "Name of the runner and of its queue",
  },
  namespace: {
    type: "string",
    short: "s",
    value: "NS",
    env: "RUNNER_NAMESPACE",
    config: true,
    default: "",
    read: readNamespace,
    help: "Tenant: prefix of all its keys in Redis; production and production: are equivalent",
  },
  redisUrl: {
    type: "string",
    short: "r",
    aliases: ["redis_url"],
    value: "URL",
    env: "REDIS_URL",
    config: true,
    default: DEFAULT_REDIS_URL,
    help: "Redis: host:port, redis://[user:password@]host[:port][/db] or rediss://...",
  },
  redisTimeout: {
    type: "duration",
    value: "D",
    config: true,
    default: 3,
    min: MIN_TIMEOUT,
    max: 3_600,
    help: "How long a client command waits for Redis",
  },
  json: { type: "flag", help: "Write JSON, with times in RFC 3339 UTC and durations in seconds" },
  color: {
    type: "choice",
    choices: ["auto", "always", "never"],
    value: "WHEN",
    config: true,
    default: "auto",
    help: "Colours; auto: on a terminal, unless NO_COLOR is set",
  },
  help: { type: "flag", short: "h", help: "Show help: -h in short, --help with every option and examples" },
} as const satisfies OptionRows;

/** Options of `runner run`. */
export const RUN_ROWS = {
  concurrency: {
    type: "integer",
    value: "N",
    min: 1,
    max: 10_000,
    config: true,
    default: DEFAULT_CONCURRENCY,
    help: "Maximum number of jobs that run at the same time",
  },
  burst: { type: "flag", help: "Exit when the queue is empty and no job runs" },
  drain: {
    type: "flag",
    config: true,
    help: "On INT or TERM, wait for the running jobs instead of leaving them in tmux",
  },
  embeddedRedis: {
    type: "flag",
    config: true,
    help: "Start a private redis-server at --redis-url, for a first try or a single host",
  },
  tmuxSocket: {
    type: "string",
    value: "NAME",
    env: "RUNNER_TMUX_SOCKET",
    config: true,
    read: readSocket,
    defaultText: "runner-NAME",
    help: "Socket name of the tmux server; the name default selects the user's own server",
  },
  spool: {
    type: "string",
    value: "DIR",
    env: "RUNNER_SPOOL",
    config: true,
    read: readSpool,
    defaultText: "$XDG_STATE_HOME/runner, else ~/.local/state/runner",
    help: "Folder for data that must survive the runner: scripts, output, exit codes",
  },
  defaultTimeout: {
    type: "duration",
    value: "D",
    min: MIN_TIMEOUT,
    max: MAX_TIMEOUT,
    config: true,
    defaultText: "no limit",
    help: "Timeout of a job that sets none",
  },
  killGrace: {
    type: "duration",
    value: "D",
    config: true,
    default: DEFAULT_KILL_GRACE,
    help: "Time between TERM and KILL when a job is stopped",
  },
  keep: {
    type: "duration",
    value: "D",
    config: true,
    default: DEFAULT_KEEP,
    help: "How long Redis keeps an ended job that sets no time itself; 0: for ever",
  },
  outputLimit: {
    type: "size",
    value: "SIZE",
    min: MIN_OUTPUT_LIMIT,
    config: true,
    default: DEFAULT_OUTPUT_LIMIT,
    help: "Of a longer output, keep only the first and the last half on disk; at least 32M; 0: keep everything",
  },
  outputTotal: {
    type: "size",
    value: "SIZE",
    config: true,
    default: DEFAULT_OUTPUT_TOTAL,
    help: "Of ended outputs of more bytes together, remove the oldest; 0: no limit",
  },
  shell: {
    type: "string",
    value: "SHELL",
    config: true,
    default: "auto",
    help: "Shell that runs the payload: auto (bash where it exists, else sh), or a POSIX shell by name or path",
  },
  keepPane: {
    type: "choice",
    choices: ["failed", "always", "never"],
    value: "WHEN",
    config: true,
    default: "never",
    help: "Keep the terminals of ended jobs for runner attach: the newest ten, for a day",
  },
  lostPolicy: {
    type: "choice",
    choices: ["hold", "requeue", "fail"],
    value: "WHAT",
    config: true,
    default: "hold",
    help: "Running jobs of a lost host: wait for the host, run them again elsewhere, or end them as lost",
  },
  lostAfter: {
    type: "duration",
    value: "D",
    config: true,
    default: 86_400,
    help: "With hold, how long to wait for the host of a job without a timeout",
  },
  jsonJobs: {
    type: "choice",
    choices: ["convert", "reject"],
    value: "WHAT",
    config: true,
    default: "convert",
    help: "Jobs that another client stored as a JSON string: run them, or make them dead letters",
  },
  otherRunner: {
    type: "choice",
    choices: ["reroute", "run", "error"],
    value: "WHAT",
    config: true,
    default: "reroute",
    help: "Jobs in this queue that name another runner: move them to its queue once, run them here, or fail them",
  },
  onEnd: {
    type: "string",
    value: "COMMAND",
    config: true,
    read: readHook,
    help: "Shell command to run in tmux when a job has ended; RUNNER_JOB_ID, RUNNER_STATE and others describe the job",
  },
  on: {
    type: "string",
    value: "EVENTS",
    config: true,
    read: (text) => readHookEvents(text).join(","),
    help: "Events after which --hook runs, separated by commas: start, end, input_required, lost",
  },
  hook: {
    type: "string",
    value: "COMMAND",
    config: true,
    read: readHook,
    help: "Shell command to run in tmux after the events of --on, with a JSON object on standard input",
  },
  hookTimeout: {
    type: "duration",
    value: "D",
    min: MIN_TIMEOUT,
    max: 3_600,
    config: true,
    default: 60,
    help: "Time limit of --hook and --on-end; a command that runs longer is stopped",
  },
  heartbeat: {
    type: "duration",
    value: "D",
    min: MIN_TIMEOUT,
    default: 5,
    hidden: true,
    help: "Interval between heartbeats",
  },
  lease: { type: "duration", value: "D", min: MIN_TIMEOUT, default: 30, hidden: true, help: "Duration of a lease" },
} as const satisfies OptionRows;

/** The spool, for commands that only read outputs in it. */
export const READ_SPOOL = {
  ...RUN_ROWS.spool,
  help: "Spool folder of a runner on this host, to show its outputs in full",
} as const;

/** All options that the environment or the configuration file may set; `runner config` shows these. */
export const SETTING_ROWS = { ...GLOBAL_ROWS, ...RUN_ROWS } as const satisfies OptionRows;
