import type { Environment } from "../ports/environment.ts";

/** Name of this host, as others may see it. */
export function hostName(): string {
  return Deno.hostname();
}

/** Id of this process. */
export function processId(): number {
  return Deno.pid;
}

/**
 * Folder for what must survive the runner: `$XDG_STATE_HOME/runner`, else `$HOME/.local/state/runner`. A user without a
 * home has `/var/tmp/runner-UID`, which no reboot empties.
 */
export function defaultSpool(environment: Environment): string {
  const state = environment.get("XDG_STATE_HOME");
  if (state?.startsWith("/")) return `${state}/runner`; // the custom has it that others are ignored
  const home = environment.get("HOME");
  return home?.startsWith("/") && isFolder(home) ? `${home}/.local/state/runner` : `/var/tmp/runner-${Deno.uid() ?? 0}`;
}

/** Users without a home have one by name that is not there. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** A path as it is seen from the root folder. */
export function absolutePath(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** Wall clock of this host, Unix milliseconds; for comparing it with others, never for a decision. */
export function wallClock(): number {
  return Date.now();
}

/** Ends the process as if it had been killed: no clean-up of any kind. For tests of what must survive that. */
export function dropDead(): never {
  Deno.exit(137);
}

/** The working directory of this process. */
export function workingFolder(): string {
  return Deno.cwd();
}

/** What of our environment the jobs inherit, and where tmux keeps its sockets; everything else stays with us. */
const INHERITED = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TMUX_TMPDIR"];

/** What a view of a terminal needs of it: also what ssh asks its agent with, and whether we are inside tmux already. */
const VIEWED = [...INHERITED, "TERM", "TMUX", "SSH_AUTH_SOCK"];

/** The part of the environment for programs that a person uses through ours. */
export function viewEnvironment(environment: Environment): Record<string, string> {
  return pick(environment, VIEWED);
}

/** The part of the environment that jobs start from. */
export function jobEnvironment(environment: Environment): Record<string, string> {
  // where `runner` in a job looks for the access to a Redis of its runner's own
  return pick(environment, [...INHERITED, "XDG_STATE_HOME"]);
}

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
