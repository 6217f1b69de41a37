import type { Compose } from "../compose/contract.ts";

/** Exit codes after a signal: 128 plus its number, as shells expect. */
export const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Aborts on a signal. `code` returns the exit code for it, `null` while none arrived; `end` removes the handler. */
export function untilSignal(compose: Pick<Compose, "onSignals">) {
  const aborted = new AbortController();
  let code: number | null = null;
  const end = compose.onSignals((signal) => {
    code ??= SIGNAL_EXIT[signal];
    aborted.abort();
  });
  return { signal: aborted.signal, code: () => code, end };
}
