/**
 * Returns whether the end of a terminal concerns this process: `nohup` and programs that start daemons leave it none.
 */
function hasTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/**
 * Calls `handler` for INT and TERM, and for HUP when this process has a terminal. Without a terminal, HUP has no
 * effect: a user who started it with `nohup` intended that. A listener is set even then, as the runtime's own handler
 * would end the process.
 *
 * @returns Removes the handler.
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
