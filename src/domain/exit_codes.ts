/** Exit codes of `runner`; `wait` and `submit --wait` return that of the job, or one of the last three. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  noSuchJob: 4,
  unavailable: 69,
  waitLimit: 75,
  queueFull: 75,
  refused: 78,
  skipped: 123,
  timedOut: 124,
  lost: 125,
  cancelled: 130,
} as const;
