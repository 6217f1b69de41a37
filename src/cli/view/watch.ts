import { followEvents, newestCursor } from "../../client/follow_events.ts";
import { passes } from "../../client/wait.ts";
import { UnavailableError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { Mutex } from "../../domain/mutex.ts";
import type { JobStore } from "../../ports/job_store.ts";
import type { Terminal } from "../../ports/terminal.ts";
import type { Context } from "../context.ts";
import { withoutEscapes } from "./escapes.ts";
import { untilSignal } from "../until_signal.ts";

/** Longest time between two updates, milliseconds: displayed ages change. */
const SLOW = 2_000;
/** Shortest time between two updates, milliseconds: a burst of events is one change. */
const FAST = 250;

/** What is shown at one moment. */
export interface View {
  readonly text: string;
  /** True when it will not change any more. */
  readonly over: boolean;
}

/** Commands to the terminal are bytes, because the terminal's filter removes them from text. */
const encoder = new TextEncoder();

/** A picture on the terminal that replaces the previous one in one piece, so that nothing flickers. */
class Screen {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Switches to the alternate screen, without cursor and line wrap; the previous content returns at the end. */
  async open(): Promise<void> {
    await this.#command("\x1b[?1049h\x1b[?25l\x1b[?7l");
  }

  async draw(text: string): Promise<void> {
    // a line end in the last row would scroll
    const lines = withoutEscapes(text.trimEnd(), "all but colours").split("\n").slice(
      0,
      this.#terminal.rows() ?? undefined,
    );
    // between these marks, terminals with "synchronized output" show nothing half-drawn
    await this.#command(`\x1b[?2026h\x1b[H${lines.join("\x1b[K\r\n")}\x1b[K\x1b[J\x1b[?2026l`);
  }

  async close(): Promise<void> {
    await this.#command("\x1b[?7h\x1b[?25h\x1b[?1049l");
  }

  async #command(commands: string): Promise<void> {
    await this.#terminal.write(encoder.encode(commands));
  }
}

/**
 * Shows a view again whenever something happens in the namespace, until it is over or a signal arrives. On a terminal
 * it stays in place; elsewhere each version follows the previous one.
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
    if (screen) await screen.draw(`Redis cannot be reached; last known state:\n\n${shown}`);
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
  // one picture at a time, also when the terminal changes its size meanwhile
  const polls = new Mutex();
  let resized = 0;
  const onResize = () => {
    // the picture of a pending resize includes later resizes
    if (resized++ > 0) return;
    polls.run(() => {
      resized = 0;
      return pollOnce();
    }).catch(() => {}); // an error shows at the next update
  };
  const ignoreSize = screen ? terminal.onResize(onResize) : () => {};
  let last = "";
  try {
    const cursor = await newestCursor(store);
    await screen?.open();
    let over = await polls.run(pollOnce);
    const events = followEvents(store, cursor, { clock: compose.clock, signal: stop.signal, everyMs: SLOW, onOutage });
    if (!over) {
      for await (const _ of events) {
        over = await polls.run(pollOnce);
        if (over) break;
        await compose.clock.sleep(FAST, stop.signal);
      }
    }
    last = over ? shown : "";
  } finally {
    ignoreSize();
    await polls.idle();
    await screen?.close();
    stop.end();
  }
  if (screen && last !== "") await terminal.write(last);
  return stop.code() ?? EXIT.ok;
}
