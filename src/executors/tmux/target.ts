import { InvalidInputError } from "../../domain/errors.ts";
import { printable } from "../../domain/printable.ts";
import type { Place } from "../../ports/executor.ts";

/** Sessions whose names begin so hold the runners' own connections. */
export const HOLDER_PREFIX = "_runner";

/** The longest name, bytes. */
const MAX_NAME = 100;

/** A target, taken apart. */
export interface Target {
  readonly session: string;
  /** `null`: any free terminal of the session. */
  readonly window: string | null;
  /** `null`: the window's own terminal, which is also its pane `1`. */
  readonly pane: string | null;
}

/**
 * Reads `tmux.SESSION[.WINDOW[.PANE]]`.
 *
 * @throws {InvalidInputError} It is not well-formed; the message says what is.
 */
export function parseTarget(text: string): Target {
  const [, session, window = null, pane = null, ...more] = text.split(".");
  if (session === undefined || more.length > 0) {
    throw new InvalidInputError(
      `Cannot use executor ${shown(text)}: write tmux.SESSION, tmux.SESSION.WINDOW or tmux.SESSION.WINDOW.PANE`,
    );
  }
  for (const [what, name] of [["session", session], ["window", window], ["pane", pane]]) {
    if (name !== null) checkName(text, what!, name);
  }
  if (session.startsWith(HOLDER_PREFIX)) {
    throw new InvalidInputError(
      `Cannot use executor ${shown(text)}: sessions whose names begin with "${HOLDER_PREFIX}" are the runner's own`,
    );
  }
  return { session, window, pane: pane === "1" ? null : pane };
}

/** Refuses what tmux would rewrite, read as something else, or could not address later. */
function checkName(text: string, what: string, name: string): void {
  const refuse = (why: string) => {
    throw new InvalidInputError(`Cannot use executor ${shown(text)}: its ${what} name ${why}`);
  };
  if (name === "") refuse("is empty");
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) refuse("holds a control character");
  if (/\p{Cn}/u.test(name) || printable(name) !== name) refuse("holds a character that no terminal shows");
  // tmux writes a backslash before a "$" that looks like a variable
  if (/[:#$\\]/.test(name)) refuse('holds ":", "#", "$" or "\\"');
  if (/^[-=%@$!+^{~]/.test(name)) refuse(`begins with "${name[0]}"`);
  if (name !== name.trim()) refuse("begins or ends with a space");
  if (new TextEncoder().encode(name).length > MAX_NAME) refuse(`is longer than ${MAX_NAME} bytes`);
}

/** A text between quotes, on one line, without anything that a terminal would obey. */
function shown(text: string): string {
  return printable(JSON.stringify(text));
}

/** The name of the place: targets that mean the same terminal, or the same pool of them, have the same one. */
export function placeName({ session, window, pane }: Target): string {
  return [session, window, pane].filter((part) => part !== null).join(".");
}

/**
 * Reads a target for the runner.
 *
 * @throws {InvalidInputError} It is not well-formed; the message says what is.
 */
export function placeOf(text: string): Place {
  const target = parseTarget(text);
  return { serialKey: target.window === null ? null : `tmux.${placeName(target)}`, session: target.session };
}
