import { MAX_TIMER } from "../domain/limits.ts";
import type { Clock } from "../ports/clock.ts";

/** The host's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout>;
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const wait = (rest: number) => {
        timer = setTimeout(() => rest > MAX_TIMER ? wait(rest - MAX_TIMER) : done(), Math.min(rest, MAX_TIMER));
      };
      wait(ms);
      signal?.addEventListener("abort", done);
    });
  },
};
