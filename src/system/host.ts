import type { Environment } from "../ports/environment.ts";

/** Returns the name of this host, for display. */
export function hostName(): string {
  return Deno.hostname();
}

/** Returns the id of this process. */
export function processId(): number {
  return Deno.pid;
}

/**
 * Returns the folder for data that must survive the runner: `$XDG_STATE_HOME/runner`, else `$HOME/.local/state/runner`.
 * For a user without a home it is `/var/tmp/runner-UID`, which no reboot empties.
 */
export function defaultSpool(environment: Environment): string {
  const state = environment.get("XDG_STATE_HOME");
  if (state?.startsWith("/")) return `${state}/runner`; // by the XDG specification, relative paths are ignored
  const home = environment.get("HOME");
  return home?.startsWith("/") && isFolder(home) ? `${home}/.local/state/runner` : `/var/tmp/runner-${Deno.uid() ?? 0}`;
}

/** Returns whether a path is a folder. HOME of a user without a home may name a folder that does not exist. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Returns the absolute form of a path. */
export function absolutePath(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** Returns this host's wall clock, Unix milliseconds; only for comparison with other clocks, never for a decision. */
export function wallClock(): number {
  return Date.now();
}

/** Ends the process as if it had been killed: no clean-up of any kind. For tests of what must survive that. */
export function dropDead(): never {
  Deno.exit(137);
}

/** Returns the working directory of this process. */
export function workingFolder(): string {
  return Deno.cwd();
}

/** Variables that jobs inherit, and TMUX_TMPDIR for tmux's sockets; all others are withheld. */
export const INHERITED = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TMUX_TMPDIR"];

/**
 * Variables for a view of a terminal: also the agent's socket for ssh, and TMUX, which shows that we are inside tmux
 * already.
 */
const VIEWED = [...INHERITED, "TERM", "TMUX", "SSH_AUTH_SOCK"];

/** Returns the environment for programs that a person uses through ours. */
export function viewEnvironment(environment: Environment): Record<string, string> {
  return pick(environment, VIEWED);
}

/** Returns the environment that jobs start with. */
export function jobEnvironment(environment: Environment): Record<string, string> {
  // `runner` in a job finds the access to its runner's own Redis there
  return pick(environment, [...INHERITED, "XDG_STATE_HOME"]);
}

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
