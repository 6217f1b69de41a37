import { type Command, TmuxError } from "./clients.ts";
import { literal } from "../quoting.ts";
import type { TmuxServer } from "./server.ts";
import type { Target } from "../target.ts";

/** Parts of a new pane. */
export interface PaneParts {
  /** Name of its window when the target names none. */
  readonly name: string;
  /** Its program and the arguments. */
  readonly program: readonly string[];
  /** Arguments of `pipe-pane` except its target. */
  readonly pipe: readonly string[];
  /** Value of its option `@runner_lane`. */
  readonly mark: string;
}

/**
 * Creates the pane of a target. Its log is attached and its mark is set before anything else can happen in the server.
 *
 * @returns Its id and the process id of its program.
 */
export async function makePane(
  server: TmuxServer,
  target: Target,
  parts: PaneParts,
): Promise<{ id: string; pid: number }> {
  const [id, pid] = (await made(server, target, parts)).split(" ");
  return { id, pid: Number(pid) };
}

/**
 * Closes a pane. When it is the last pane of its session, first closes the other sessions with the same windows, such
 * as views. A server of tmux 3.6 or older may die, and every job with it, when a group of sessions ends at once.
 */
export async function closePane(server: TmuxServer, pane: string): Promise<void> {
  const isLast = "#{&&:#{session_grouped},#{==:#{session_windows} #{window_panes},1 1}}";
  const kill = ["kill-pane", "-t", pane];
  const printIds = `display-message -p -t ${pane} "#{session_id} #{session_group}"`;
  const [own] = await server.run(["if-shell", "-F", "-t", pane, isLast, printIds, kill.join(" ")]);
  if (own === undefined) return;
  const group = own.slice(own.indexOf(" "));
  for (const session of await server.run(["list-sessions", "-F", "#{session_id} #{session_group}"])) {
    if (session === own || session.slice(session.indexOf(" ")) !== group) continue;
    await server.run(["kill-session", "-t", session.split(" ", 1)[0]]).catch(() => {}); // it has ended by itself
  }
  await server.run(kill);
}

/** Renames the window of a pane, so that the next window can have its name; a window with other panes keeps it. */
export async function freeName(server: TmuxServer, pane: string, name: string): Promise<void> {
  const [count] = await server.run(["display-message", "-p", "-t", pane, "#{window_panes}"]);
  if (count === "1") await server.run(["rename-window", "-t", pane, literal(name)]);
}

async function made(server: TmuxServer, { session, window }: Target, parts: PaneParts): Promise<string> {
  const create = ["-P", "-F", "#{pane_id} #{pane_pid}", ...parts.program];
  const name = literal(window ?? parts.name);
  const found = await find(server, session, window);
  if (found.session === null) {
    const start = ["new-session", "-d", "-s", session, "-n", name, "-x", "200", "-y", "50", ...create];
    // otherwise it would create the session in a server that is not set up, too
    const target = `=${session}:`;
    const sized = ["resize-window", "-t", target, "-x", "200", "-y", "50"]; // tmux 3.2 creates it smaller
    const naming = window === null ? named(target) : [];
    const made = [start, fixed(target), sized, ...naming, ...dress(target, parts)];
    return await dressed(server, [server.isOurs, ...made]);
  }
  if (found.window === null) {
    const last = `${found.session}:{end}`;
    const start = ["new-window", "-d", "-a", "-t", last, "-n", name, ...create];
    const naming = window === null ? named(last) : [];
    return await dressed(server, [start, fixed(last), ...naming, ...dress(last, parts)]);
  }
  const split = ["split-window", "-d", "-t", found.window, ...create];
  const [pane] = await server.run(split).catch(async (error) => {
    if (!(error instanceof TmuxError) || !error.message.includes("no space")) throw error;
    return await server.run(["select-layout", "-t", found.window!, "tiled"], split);
  });
  try {
    await server.run(...dress(pane.split(" ", 1)[0], parts));
  } catch (error) {
    await closePane(server, pane.split(" ", 1)[0]).catch(() => {});
    throw error;
  }
  return pane;
}

/** Runs commands that create a pane, and closes the pane if a later command fails. */
async function dressed(server: TmuxServer, commands: readonly Command[]): Promise<string> {
  try {
    return (await server.run(...commands))[0];
  } catch (error) {
    const [pane] = error instanceof TmuxError ? error.output : [];
    if (pane !== undefined) await closePane(server, pane.split(" ", 1)[0]).catch(() => {});
    throw error;
  }
}

function dress(target: string, { pipe, mark }: PaneParts): Command[] {
  return [["pipe-pane", "-t", target, ...pipe], ["set-option", "-p", "-t", target, "@runner_lane", mark]];
}

/**
 * Returns the command that fixes the size of a new window: a person who attaches must not resize it. Set for each
 * window, as tmux 3.3 dies of a new window when it is set globally.
 */
function fixed(target: string): Command {
  return ["set-option", "-w", "-t", target, "window-size", "manual"];
}

/**
 * Returns commands that name a window after the run in it. The lane writes the name as the path of the pane (OSC 7), as
 * a program in it may set the title. A search for a window by name skips such a window.
 */
function named(target: string): Command[] {
  const set = (name: string, value: string) => ["set-option", "-w", "-t", target, name, value];
  return [
    set("@runner_slot", "1"),
    set("automatic-rename", "on"),
    set("automatic-rename-format", "#{?pane_path,#{=32:pane_path},idle}"),
  ];
}

/**
 * Finds the ids of a session and of a window in it, `null` where there is none; tmux would interpret names as patterns.
 */
async function find(
  server: TmuxServer,
  session: string,
  window: string | null,
): Promise<{ session: string | null; window: string | null }> {
  const lines = await server.run(
    ["list-sessions", "-F", "#{session_id} #{session_name}"],
    ...window === null
      ? []
      : [["list-windows", "-a", "-F", "#{session_id} #{window_id} #{?#{@runner_slot},,#{window_name}}"]],
  );
  const idAt = (start: RegExp, name: string) =>
    lines.map((line) => start.exec(line)).find((match) => match !== null && match.input.slice(match[0].length) === name)
      ?.[1] ?? null;
  const id = idAt(/^(\$\d+) /, session);
  return { session: id, window: id === null || window === null ? null : idAt(new RegExp(`^\\${id} (@\\d+) `), window) };
}
