import type { Terminal } from "../ports/terminal.ts";
import { withoutEscapes } from "./escapes.ts";

/**
 * A terminal to which text comes without anything that it would obey, colours aside: the last place where a value from
 * elsewhere that a command forgot is caught. Bytes pass as they are: they went through a filter, or are commands of
 * ours to the terminal.
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
