import { InvalidInputError } from "../../domain/errors.ts";
import { printable } from "../../domain/printable.ts";
import type { Place } from "../../ports/executor.ts";

/** Prefix of the sessions that keep the runners' servers alive. */
export const HOLDER_PREFIX = "_runner";

/** Maximum length of a name, bytes. */
const MAX_NAME = 100;

/** A parsed target. */
export interface Target {
  readonly session: string;
  /** `null`: any free terminal of the session. */
  readonly window: string | null;
  /** `null`: the window's own terminal, which is also its pane `1`. */
  readonly pane: string | null;
}

/**
 * Parses `tmux.SESSION[.WINDOW[.PANE]]`.
 *
 * @throws {InvalidInputError} It is not well-formed; the message shows the form.
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

/** Rejects names that tmux would rewrite, interpret as something else, or could not address later. */
function checkName(text: string, what: string, name: string): void {
  const refuse = (why: string) => {
    throw new InvalidInputError(`Cannot use executor ${shown(text)}: its ${what} name ${why}`);
  };
  if (name === "") refuse("is empty");
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) refuse("holds a control character");
  if (/\p{Cn}/u.test(name) || printable(name) !== name) refuse("holds a character that no terminal shows");
  // tmux writes a backslash before a "$" that seems to begin a variable
  if (/[:#$\\]/.test(name)) refuse('holds ":", "#", "$" or "\\"');
  if (/^[-=%@$!+^{~]/.test(name)) refuse(`begins with "${name[0]}"`);
  if (name !== name.trim()) refuse("begins or ends with a space");
  if (new TextEncoder().encode(name).length > MAX_NAME) refuse(`is longer than ${MAX_NAME} bytes`);
}

/** Quotes a text on one line, without characters that control a terminal. */
function shown(text: string): string {
  return printable(JSON.stringify(text));
}

/** Returns the canonical name: targets for the same terminal, or for the same pool of terminals, have the same name. */
export function targetName({ session, window, pane }: Target): string {
  return [session, window, pane].filter((part) => part !== null).join(".");
}

/**
 * Parses a target for the runner.
 *
 * @throws {InvalidInputError} It is not well-formed; the message shows the form.
 */
export function placeOf(text: string): Place {
  const target = parseTarget(text);
  return { serialKey: target.window === null ? null : `tmux.${targetName(target)}`, session: target.session };
}
