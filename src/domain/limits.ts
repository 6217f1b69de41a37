/**
 * Defaults and limits of jobs. The rows of options refer to these constants.
 *
 * @module
 */

/** Name of the runner, and so of its queue. */
export const DEFAULT_RUNNER = "test_runner";
/** Address of Redis, host and port. */
export const DEFAULT_REDIS_URL = "127.0.0.1:6379";
/** Executor of a job that names none. */
export const DEFAULT_EXECUTOR = "tmux.main";
/** Jobs that a runner runs concurrently. */
export const DEFAULT_CONCURRENCY = 4;
/** Seconds after which an ended job expires in Redis; 0 keeps it for ever. */
export const DEFAULT_KEEP = 7 * 86_400;
/** Shortest timeout, seconds: a millisecond, because 0 in the field of a job means "no timeout". */
export const MIN_TIMEOUT = 0.001;
/** Longest timeout, seconds. */
export const MAX_TIMEOUT = 30 * 86_400;
/** Seconds between TERM and KILL. */
export const DEFAULT_KILL_GRACE = 10;
/** Most bytes of a payload that `submit` accepts. */
export const MAX_SUBMIT_PAYLOAD = 1 << 20;
/** Most bytes of a payload, or of the whole environment, that a runner accepts. */
export const MAX_RUN_PAYLOAD = 16 << 20;
/** Most bytes of all other fields, texts and labels of a job together, for `submit` and for a runner. */
export const MAX_DETAILS = 1 << 20;
/** Most bytes of a job that is stored as a JSON string: the largest payload, escaped, and the other fields. */
export const MAX_JSON_JOB = 2 * MAX_RUN_PAYLOAD;
/** Most labels of a job that `submit` accepts. */
export const MAX_LABELS = 16;
/** Most bytes of the reason of a cancellation. */
export const MAX_REASON = 1_000;
/** Most bytes that one `send` types. */
export const MAX_TYPED = 64 << 10;
/** Most bytes of a request to a runner as stored in Redis: `MAX_TYPED` bytes in base64, and the other fields. */
export const MAX_REQUEST = 2 * MAX_TYPED;
/** Most bytes of output in one reply of a runner. */
export const MAX_OUTPUT_PIECE = 256 << 10;
/** Most bytes of an id. */
export const MAX_ID = 512;
/** Most bytes of the id of a batch: those of its members are longer. */
export const MAX_BATCH_ID = 500;
/** Most members of a batch. */
export const MAX_BATCH = 1_000_000;
/** Most jobs for which one job waits. */
export const MAX_AFTER = 256;
/** Most limits of one job. */
export const MAX_LIMITS = 4;
/** Most jobs that a limit lets run at the same time. */
export const MAX_LIMIT = 1_000_000;
/** Bytes of output from the start, and as many from the end, that the `result` field holds. */
export const RESULT_PART = 64 << 10;
/** Bytes of an attempt's output that stay on its host: about the first and the last half of a longer one. */
export const DEFAULT_OUTPUT_LIMIT = 2 ** 30;
/** Least limit of an output, bytes: with a smaller one its writer could not keep up. */
export const MIN_OUTPUT_LIMIT = 32 << 20;
/** Bytes of all ended outputs that a runner keeps on its host. */
export const DEFAULT_OUTPUT_TOTAL = 10 * 2 ** 30;
/** Most bytes of live output that Redis keeps of one job. */
export const MAX_LIVE_OUTPUT = 4 << 20;
/** Most claimed jobs that wait at a runner for a busy pane while other jobs run. */
export const MAX_CLAIMED_AHEAD = 32;
/** Largest Unix time, milliseconds, that a script in Redis still handles to the millisecond. */
export const MAX_TIME = 3e14;

/** Number of newest jobs among which an id prefix is searched. */
export const PREFIX_AMONG = 10_000;

/** Longest delay of one timer of the runtime, milliseconds; a timer with a longer delay fires at once. */
export const MAX_TIMER = 0x7fff_ffff;
