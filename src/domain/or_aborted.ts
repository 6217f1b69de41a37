/**
 * Waits for a promise, or rejects with the reason of the signal, if there is one, when that aborts first. No listener
 * stays on the signal.
 * `Promise.race` with a long-lived promise would leak: that promise keeps a reaction for every race.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
