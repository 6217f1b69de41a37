/**
 * Waits for a promise, or rejects with the signal's reason when that aborts first. No listener stays on the signal.
 * `Promise.race` with a long-lived promise would leak: that promise keeps a reaction for every race.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
