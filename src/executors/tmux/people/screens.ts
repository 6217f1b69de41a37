import type { Screen } from "../../../ports/attempt_terminals.ts";
import { type Command, GoneError, TmuxError } from "../server/clients.ts";
import { printed } from "../quoting.ts";
import type { TmuxServer } from "../server/server.ts";

/** Maximum number of screens that one client captures: its command line has a limit. */
const AT_ONCE = 50;
/** Facts about a screen: one line, in front of its own lines. */
const FACTS = "#{pane_id} #{cursor_x} #{cursor_y} #{pane_width} #{pane_height} #{pane_title}";

/**
 * Captures screens. Requests that arrive while a client runs go together into the next client: the cost is that of one.
 */
export class Screens {
  readonly #server: TmuxServer;
  readonly #requested = new Map<string, PromiseWithResolvers<Screen | null>>();
  #asking = false;

  constructor(server: TmuxServer) {
    this.#server = server;
  }

  /** Returns the screen of a pane; `null` when the pane is gone. */
  capture(pane: string): Promise<Screen | null> {
    const asked = this.#requested.get(pane) ?? Promise.withResolvers<Screen | null>();
    this.#requested.set(pane, asked);
    this.#query();
    return asked.promise;
  }

  async #query(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    await null; // collects the requests of the same moment
    while (this.#requested.size > 0) {
      const round = [...this.#requested].slice(0, AT_ONCE);
      for (const [pane] of round) this.#requested.delete(pane);
      await this.#capture(round);
    }
    this.#asking = false;
  }

  async #capture(round: readonly [string, PromiseWithResolvers<Screen | null>][]): Promise<void> {
    try {
      const lines = await this.#server.run(...round.flatMap(([pane]): Command[] => [
        ["display-message", "-p", "-t", pane, FACTS],
        ["capture-pane", "-p", "-t", pane],
      ]));
      for (const [pane, { resolve }] of round) resolve(screenOf(pane, lines, this.#server.version));
    } catch (error) {
      if (round.length === 1 || !(error instanceof TmuxError)) {
        for (const [, { resolve, reject }] of round) {
          if (error instanceof TmuxError || error instanceof GoneError) resolve(null);
          else reject(error);
        }
        return;
      }
      // a pane that is gone fails the capture of those after it
      const half = round.length >> 1;
      await this.#capture(round.slice(0, half));
      await this.#capture(round.slice(half));
    }
  }
}

/** Removes the screen of a pane from the front of the lines and returns it. */
function screenOf(pane: string, lines: string[], version: string): Screen | null {
  const [id, column, row, columns, rows, ...title] = (lines.shift() ?? "").split(" ");
  const shown = lines.splice(0, Number(rows)).map((line) => line.trimEnd());
  if (id !== pane) return null;
  return {
    lines: shown.slice(0, shown.findLastIndex((line) => line !== "") + 1),
    cursor: { column: Number(column), row: Number(row) },
    columns: Number(columns),
    rows: Number(rows),
    title: printed(title.join(" "), version),
  };
}
