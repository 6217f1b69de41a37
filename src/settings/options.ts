/**
 * Every option of the program.
 *
 * @module
 */
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_EXECUTOR,
  DEFAULT_KEEP,
  DEFAULT_KILL_GRACE,
  DEFAULT_REDIS_URL,
  DEFAULT_RUNNER,
  MAX_TIMEOUT,
} from "../domain/limits.ts";
import { readNamespace } from "../domain/namespace.ts";
import { readRunnerName } from "../domain/runner_name.ts";
import { STATE_NAMES } from "../domain/state_words.ts";
import { SORT_KEYS } from "../domain/sort_keys.ts";
import { COLUMN_NAMES, DEFAULT_COLUMNS } from "./column_names.ts";
import type { OptionRows } from "./option_row.ts";
import { readHook, readSocket, readSpool } from "./option_readers.ts";

/** The smallest timeout is a millisecond, because 0 in the job's field means "no timeout". */
const SHORTEST = 0.001;

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
    min: SHORTEST,
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
    min: SHORTEST,
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
  onEndTimeout: {
    type: "duration",
    value: "D",
    min: SHORTEST,
    max: 3_600,
    config: true,
    default: 60,
    help: "Time limit of --on-end; a command that runs longer is stopped",
  },
  heartbeat: {
    type: "duration",
    value: "D",
    min: SHORTEST,
    default: 5,
    hidden: true,
    help: "Interval between heartbeats",
  },
  lease: { type: "duration", value: "D", min: SHORTEST, default: 30, hidden: true, help: "Duration of a lease" },
} as const satisfies OptionRows;

/** The spool, for commands that only read outputs in it. */
const READ_SPOOL = {
  ...RUN_ROWS.spool,
  help: "Spool folder of a runner on this host, to show its outputs in full",
} as const;

/** Options of `runner submit`. */
export const SUBMIT_ROWS = {
  executor: {
    type: "string",
    short: "e",
    value: "EXECUTOR",
    default: DEFAULT_EXECUTOR,
    completes: "executors",
    help: "Where the job runs: tmux.SESSION, tmux.SESSION.WINDOW or tmux.SESSION.WINDOW.PANE; created when missing",
  },
  timeout: {
    type: "duration",
    short: "t",
    value: "D",
    min: SHORTEST,
    max: MAX_TIMEOUT,
    defaultText: "the runner's",
    help: "Stop the job after this time",
  },
  env: { type: "list", value: "NAME=VALUE", help: "Environment variable of the job; may be repeated" },
  envFile: { type: "string", value: "FILE", help: "File of NAME=VALUE lines, read literally; --env overrides it" },
  cwd: {
    type: "string",
    value: "DIR",
    defaultText: "the runner's",
    help: "Working directory: an absolute path on the host of the job",
  },
  callerId: { type: "string", value: "TEXT", help: "Who submits the job, as free text" },
  contextId: { type: "string", value: "TEXT", help: "What the job belongs to, as free text" },
  id: { type: "string", value: "ID", defaultText: "a new one", help: "Id of the job; the same id is queued only once" },
  title: { type: "string", value: "TEXT", help: "Title of the job, one line for people" },
  label: { type: "list", value: "NAME=VALUE", help: "Label of the job; may be repeated" },
  priority: {
    type: "choice",
    choices: ["high", "normal", "low"],
    value: "WHICH",
    default: "normal",
    help: "high runs next, low when no other job waits",
  },
  in: { type: "duration", value: "D", help: "Start after this time" },
  at: {
    type: "string",
    value: "TIME",
    help: "Start at this time: 2026-01-31T18:30:00Z, or in local time 2026-01-31 18:30",
  },
  after: {
    type: "string",
    value: "ID",
    completes: "jobs",
    help: "Start when that job has finished; fail at once when that job fails",
  },
  retries: { type: "integer", value: "N", min: 0, max: 1_000, help: "Number of further attempts when the job fails" },
  backoff: {
    type: "string",
    value: "D..D",
    help: "Pause between attempts: doubles from the first duration up to the second",
  },
  keep: {
    type: "duration",
    value: "D",
    defaultText: "the runner's",
    help: "How long Redis keeps the ended job; 0: for ever",
  },
  script: { type: "string", value: "FILE", help: "Run the content of this file" },
  from: { type: "string", value: "FILE", help: "Submit many jobs, one JSON object per line; - reads standard input" },
  maxQueued: {
    type: "integer",
    value: "N",
    min: 1,
    defaultText: "no limit",
    help: "Exit with 75 when N jobs, delayed ones included, already wait for the runner",
  },
  skipBad: { type: "flag", help: "With --from: skip invalid lines and queue the others" },
  wait: { type: "flag", help: "Wait until the job ends and exit with its exit code" },
  follow: { type: "flag", help: "Like --wait, and show the output live" },
  spool: READ_SPOOL,
  dryRun: { type: "flag", help: "Only show what would be queued, and where each value comes from" },
} as const satisfies OptionRows;

/** Options of `runner status`. Its `-n` counts jobs, as in `tail`. */
export const STATUS_ROWS = {
  count: {
    type: "integer",
    short: "n",
    value: "N",
    min: 0,
    max: 10_000,
    default: 10,
    help: "Number of recent jobs in the overview",
  },
  state: {
    type: "list",
    value: "STATE",
    choices: STATE_NAMES,
    help:
      "Only jobs in this state; may be repeated. waiting: running, but waiting for input; the last three: Redis values",
  },
  runner: { type: "string", value: "NAME", completes: "runners", help: "Only this runner, its queue and its jobs" },
  caller: { type: "string", value: "TEXT", help: "Only jobs with this caller id" },
  context: { type: "string", value: "TEXT", help: "Only jobs with this context id" },
  label: { type: "list", value: "NAME=VALUE", help: "Only jobs with this label; may be repeated" },
  since: { type: "duration", value: "D", help: "Only jobs created within this time" },
  among: {
    type: "integer",
    value: "N",
    min: 1,
    default: 10_000,
    help: "How many of the newest jobs are scanned to filter and to sort",
  },
  sort: { type: "choice", value: "KEY", choices: SORT_KEYS, default: "created", help: "Order of the jobs" },
  columns: {
    type: "string",
    value: "NAMES",
    defaultText: DEFAULT_COLUMNS.join(","),
    help: `Columns of the job list, separated by commas: ${COLUMN_NAMES.join(", ")}`,
  },
  watch: { type: "flag", short: "w", help: "Update the output whenever something happens, until Ctrl-C" },
} as const satisfies OptionRows;

/** Options of `runner logs`. Its `-n` counts lines, as in `tail`. */
export const LOGS_ROWS = {
  follow: { type: "flag", short: "f", help: "Show new output until the job has ended" },
  lines: { type: "integer", short: "n", value: "N", min: 0, help: "Show only the last N lines of the existing output" },
  raw: { type: "flag", help: "Show every byte as the job wrote it" },
  spool: READ_SPOOL,
} as const satisfies OptionRows;

/** Options of `runner wait`. */
export const WAIT_ROWS = {
  timeout: {
    type: "duration",
    short: "t",
    value: "D",
    min: SHORTEST,
    help: "Stop waiting after this time, with exit code 75",
  },
} as const satisfies OptionRows;

/** Options of `runner doctor`. */
export const DOCTOR_ROWS = { spool: RUN_ROWS.spool } as const satisfies OptionRows;

const { burst: _, ...LASTING_ROWS } = RUN_ROWS;

/** Options of `runner service`: its own, and those of `run` for the runner that it keeps alive. */
export const SERVICE_ROWS = {
  scope: {
    type: "choice",
    choices: ["system", "user"],
    value: "WHOSE",
    defaultText: "system for root, else user",
    help: "Install a service of the host, or of one user",
  },
  runAs: { type: "string", value: "USER", help: "User of a service of the host, and of its jobs; required for one" },
  program: { type: "string", value: "FILE", defaultText: "this one", help: "Program that the service starts" },
  print: { type: "flag", help: "Only print the file that install would write" },
  ...LASTING_ROWS,
} as const satisfies OptionRows;

/** All options that the environment or the configuration file may set; `runner config` shows these. */
export const SETTING_ROWS = { ...GLOBAL_ROWS, ...RUN_ROWS } as const satisfies OptionRows;
