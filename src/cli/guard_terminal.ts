import type { Terminal } from "../ports/terminal.ts";
import { withoutEscapes } from "./view/escapes.ts";

/**
 * Wraps a terminal so that text reaches it without control sequences, except colours. This catches external values that
 * a command forgot to filter. Bytes pass unchanged: they went through a filter, or are our own commands to the
 * terminal.
 */
export function guardTerminal(terminal: Terminal): Terminal {
  const { isTerminal } = terminal;
  const guarded = (data: string | Uint8Array, isShown: boolean) =>
    typeof data === "string" && isShown ? withoutEscapes(data, "all but colours") : data;
  return {
    isTerminal,
    columns: () => terminal.columns(),
    rows: () => terminal.rows(),
    onResize: (handler) => terminal.onResize(handler),
    write: (data) => terminal.write(guarded(data, isTerminal.output)),
    say: (data) => terminal.say(guarded(data, isTerminal.errors)),
    input: () => terminal.input(),
  };
}
