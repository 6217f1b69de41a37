/** Source of time and random numbers for the runner's loops. No decision depends on the host's wall clock. */
export interface Clock {
  /** Returns monotonic milliseconds since an arbitrary start. */
  now(): number;
  /** Waits `ms` milliseconds; resolves early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Returns a random number in [0, 1). */
  random(): number;
}
