import { followEvents, newestCursor } from "../app/follow_events.ts";
import { passes } from "../app/wait.ts";
import { UnavailableError } from "../domain/errors.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Terminal } from "../ports/terminal.ts";
import type { Context } from "./context.ts";
import { withoutEscapes } from "./escapes.ts";
import { untilSignal } from "./until_signal.ts";

/** Longest and shortest time between two looks, milliseconds: ages go on, and a burst of events is one change. */
const SLOW = 2_000;
const FAST = 250;

/** How something looks at one moment. */
export interface View {
  readonly text: string;
  /** It will not change any more. */
  readonly over: boolean;
}

/** Commands to the terminal are bytes: of a text, it would get none. */
const encoder = new TextEncoder();

/** A picture on the terminal that is drawn over the one before, in one piece: nothing flickers. */
class Screen {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** The alternate screen, without cursor and line wrap: what was on the terminal comes back at the end. */
  async open(): Promise<void> {
    await this.#obey("\x1b[?1049h\x1b[?25l\x1b[?7l");
  }

  async draw(text: string): Promise<void> {
    // the line end of the last row would scroll
    const lines = withoutEscapes(text.trimEnd(), "all but colours").split("\n").slice(
      0,
      this.#terminal.rows() ?? undefined,
    );
    // between the marks of "synchronized output", terminals that know them show nothing half-drawn
    await this.#obey(`\x1b[?2026h\x1b[H${lines.join("\x1b[K\r\n")}\x1b[K\x1b[J\x1b[?2026l`);
  }

  async close(): Promise<void> {
    await this.#obey("\x1b[?7h\x1b[?25h\x1b[?1049l");
  }

  async #obey(commands: string): Promise<void> {
    await this.#terminal.write(encoder.encode(commands));
  }
}

/**
 * Shows a view anew whenever something happened in the namespace, until it is over or a signal comes. On a terminal it
 * stays in place; elsewhere one follows the other.
 *
 * @returns The exit code.
 */
export async function watch(
  { terminal, compose, settings }: Pick<Context, "terminal" | "compose" | "settings">,
  store: JobStore,
  view: () => Promise<View>,
): Promise<number> {
  const stop = untilSignal(compose);
  const isScreen = terminal.isTerminal.output && compose.environment.get("TERM") !== "dumb" && !settings.json;
  const screen = isScreen ? new Screen(terminal) : null;
  let shown = "";
  const show = async (text: string) => {
    if (screen) await screen.draw(text);
    else if (text !== shown) await terminal.write(shown === "" || settings.json ? text : `\n${text}`);
    shown = text;
  };
  const onOutage = async () => {
    if (screen) await screen.draw(`Redis cannot be reached; this is how it was:\n\n${shown}`);
  };
  const pollOnce = async (): Promise<boolean> => {
    try {
      const { text, over } = await view();
      await show(text);
      return over;
    } catch (error) {
      if (shown === "" || !(error instanceof UnavailableError) || !passes(error)) throw error;
      await onOutage();
      return false;
    }
  };
  // one picture after the other, also when the terminal changes its size meanwhile
  let polling: Promise<unknown> = Promise.resolve();
  const poll = (): Promise<boolean> => {
    const mine = polling.then(pollOnce);
    polling = mine.catch(() => {});
    return mine;
  };
  let resized = 0;
  const onResize = () => {
    // sizes that come while one waits for its picture are drawn with it
    if (resized++ > 0) return;
    polling = polling.then(() => {
      resized = 0;
      return pollOnce();
    }).catch(() => {}); // what is wrong shows at the next look
  };
  const ignoreSize = screen ? terminal.onResize(onResize) : () => {};
  let last = "";
  try {
    const cursor = await newestCursor(store);
    await screen?.open();
    let over = await poll();
    const events = followEvents(store, cursor, { clock: compose.clock, signal: stop.signal, everyMs: SLOW, onOutage });
    if (!over) {
      for await (const _ of events) {
        over = await poll();
        if (over) break;
        await compose.clock.sleep(FAST, stop.signal);
      }
    }
    last = over ? shown : "";
  } finally {
    ignoreSize();
    await polling;
    await screen?.close();
    stop.end();
  }
  if (screen && last !== "") await terminal.write(last);
  return stop.code() ?? EXIT.ok;
}
