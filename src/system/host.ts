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
 * Folder for what must survive the runner: `$XDG_STATE_HOME/runner`, else `/var/tmp/runner-UID` (which no reboot and no
 * cleaner of /tmp empties).
 */
export function defaultSpool(environment: Environment): string {
  const state = environment.get("XDG_STATE_HOME");
  return state ? `${state}/runner` : `/var/tmp/runner-${Deno.uid() ?? 0}`;
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

/** The part of the environment that jobs start from. */
export function jobEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(INHERITED.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
