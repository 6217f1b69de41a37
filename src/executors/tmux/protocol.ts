/** What tmux says on a control connection. */
export type ControlEvent =
  | {
    /** The answer to a command; `lines` hold the message when it failed. */
    readonly type: "answer";
    readonly ok: boolean;
    /** Typed by this connection, and not the command that came with its start. */
    readonly ours: boolean;
    readonly lines: readonly string[];
  }
  /** Something happened, such as `window-close @3`. */
  | { readonly type: "notice"; readonly name: string; readonly text: string };

/**
 * Reads the lines of a control connection (tmux(1), CONTROL MODE).
 *
 * An answer stands between `%begin TIME NUMBER FLAGS` and a line `%end` or `%error` with the same three words; all three are
 * compared, since an answer may hold lines that look like another one's end.
 */
export class ControlParser {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #open: { readonly triple: string; readonly lines: string[] } | null = null;

  /** Takes bytes as they come; answers what is complete with them. */
  push(bytes: Uint8Array): ControlEvent[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop()!;
    return lines.map((line) => this.#line(line)).filter((event) => event !== null);
  }

  #line(line: string): ControlEvent | null {
    if (this.#open === null) {
      if (line.startsWith("%begin ")) {
        this.#open = { triple: line.slice("%begin ".length), lines: [] };
        return null;
      }
      // a line without % is the output of somebody's run-shell
      if (!line.startsWith("%")) return null;
      const [name, ...words] = line.slice(1).split(" ");
      return { type: "notice", name, text: words.join(" ") };
    }
    const { triple, lines } = this.#open;
    const ok = line === `%end ${triple}`;
    if (!ok && line !== `%error ${triple}`) {
      lines.push(line);
      return null;
    }
    this.#open = null;
    return { type: "answer", ok, ours: triple.endsWith(" 1"), lines };
  }
}
