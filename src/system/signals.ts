/**
 * Calls `handler` for INT, TERM and HUP.
 *
 * @returns Takes the handler away again.
 */
export function onSignals(handler: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void): () => void {
  const listeners = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
    const listener = () => handler(signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
