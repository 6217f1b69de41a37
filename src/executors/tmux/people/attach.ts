/** How a runner names its tmux server in Redis. What comes back is data: its form is checked before it is used. */
import { NoTerminalError } from "../../../domain/errors.ts";
import { printable } from "../../../domain/printable.ts";
import { quoteWord } from "../../../domain/shell_words.ts";
import type { TerminalAccess } from "../../../ports/executor.ts";

/** A tmux server of the user by the name of its socket; `null`: the default one of tmux. */
export type Socket = string | null;

/** Returns what a runner writes. */
export function accessOf(socket: Socket): TerminalAccess {
  return { kind: "tmux", socket };
}

/**
 * Reads the socket of a runner's server; returns `undefined` for anything else. A socket is a name, which tmux creates
 * in a folder of the user.
 */
export function socketOf(access: TerminalAccess | null): Socket | undefined {
  if (access?.kind !== "tmux") return undefined;
  const { socket } = access;
  if (socket === null) return null;
  const isName = /^(?!-|\.\.?$)[^/]{1,200}$/.test(socket ?? "") && printable(socket) === socket;
  return isName ? socket : undefined;
}

/** Returns the command with which a person attaches to a session; `null` when there is none that is safe to paste. */
export function attachCommand(access: TerminalAccess | null, session: string): string | null {
  const socket = socketOf(access);
  if (socket === undefined || printable(session) !== session) return null;
  return ["tmux", ...argumentsOf(socket), "attach", "-t", session].map(quoteWord).join(" ");
}

/**
 * Returns the arguments that choose a runner's server.
 *
 * @throws {NoTerminalError} No runner writes such a thing.
 */
export function serverOf(access: TerminalAccess | null): string[] {
  const socket = socketOf(access);
  if (socket !== undefined) return argumentsOf(socket);
  throw new NoTerminalError(
    `Cannot attach: what Redis says about the tmux server of its runner, ${
      JSON.stringify(access)
    }, no runner has written`,
  );
}

function argumentsOf(socket: Socket): string[] {
  return socket === null ? [] : ["-L", socket];
}

/**
 * Parses the ids of session, window and pane, as tmux numbers them.
 *
 * @throws {NoTerminalError} The text has another form.
 */
export function idsOf(place: string): [session: string, window: string, pane: string] {
  const ids = /^(\$\d+) (@\d+) (%\d+)$/.exec(place);
  if (ids) return [ids[1], ids[2], ids[3]];
  throw new NoTerminalError(`Cannot attach: the runner's answer, ${JSON.stringify(place)}, names no pane of tmux`);
}

/**
 * Checks that a text is a plain host name, which ssh cannot read as an option, another user or a command.
 *
 * @throws {NoTerminalError} It is not.
 */
export function checkHost(host: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(host)) return;
  throw new NoTerminalError(
    `Cannot attach: what Redis says about the host of its runner, ${JSON.stringify(host)}, is no name of a host`,
  );
}
