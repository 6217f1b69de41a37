/**
 * Defaults and limits of jobs. Those of a flag stand in the flag's row (src/cli/options.ts) and refer to this.
 *
 * @module
 */

/** Name of the runner, and so of its queue. */
export const DEFAULT_RUNNER = "test_runner";
/** Where Redis is. */
export const DEFAULT_REDIS_URL = "127.0.0.1:6379";
/** Executor of a job that names none. */
export const DEFAULT_EXECUTOR = "tmux.main";
/** Jobs that a runner runs side by side. */
export const DEFAULT_CONCURRENCY = 4;
/** Seconds after which an ended job leaves Redis; 0 keeps it. */
export const DEFAULT_KEEP = 7 * 86_400;
/** The longest timeout, seconds. */
export const MAX_TIMEOUT = 30 * 86_400;
/** Seconds between TERM and KILL. */
export const DEFAULT_KILL_GRACE = 10;
/** Bytes of a payload that `submit` accepts. */
export const MAX_SUBMIT_PAYLOAD = 1 << 20;
/** Bytes of a payload, or of all environment values, that a runner runs. */
export const MAX_RUN_PAYLOAD = 16 << 20;
/** Bytes of all other fields, texts and labels of a job together that `submit` accepts and that a runner runs. */
export const MAX_DETAILS = 1 << 20;
/** Bytes of a job that is stored as a JSON string: the largest payload, escaped, and the rest. */
export const MAX_JSON_JOB = 2 * MAX_RUN_PAYLOAD;
/** Bytes of the reason for which a job is cancelled. */
export const MAX_REASON = 1_000;
/** Bytes that `send` types at once. */
export const MAX_TYPED = 64 << 10;
/** Bytes of a request about a terminal as it stands in Redis: the most that is typed, in base64, and the rest. */
export const MAX_REQUEST = 2 * MAX_TYPED;
/** Bytes of an id. */
export const MAX_ID = 512;
/** Bytes of output from the start, and as many from the end, that `result` holds. */
export const RESULT_PART = 64 << 10;
/** Bytes of live output that Redis keeps of one job. */
export const MAX_LIVE_OUTPUT = 4 << 20;
/** Claimed jobs that wait here for a busy pane while others run. */
export const LOOK_AHEAD = 32;

/** Newest jobs among which the begin of an id is looked for. */
export const PREFIX_AMONG = 10_000;

/** The longest time that one timer of the runtime can wait, milliseconds; a longer one would end at once. */
export const MAX_TIMER = 0x7fff_ffff;
