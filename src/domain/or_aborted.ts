/**
 * Waits for a promise, or rejects with the signal's reason when that aborts first. Nothing stays behind at the signal;
 * a race with a promise that lasts would keep what it was raced with, round after round.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
