/** Whether the end of a terminal concerns this process: `nohup` and those that start daemons leave it none. */
function hasTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/**
 * Calls `handler` for INT and TERM, and for HUP when this process has a terminal. Without one HUP does nothing: a user
 * who started it with `nohup` meant that, and the runtime would end it, as it has a handler of its own.
 *
 * @returns Takes the handler away again.
 */
export function onSignals(handler: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const listeners = signals.map((signal) => {
    const counts = signal !== "SIGHUP" || hasTerminal();
    const listener = () => counts && handler(signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
