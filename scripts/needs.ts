/**
 * The permissions of Deno that each command needs. scripts/docs.ts generates the table of src/cli/README.md from them,
 * and tests/dist/permissions_test.ts compares them with what the commands really request.
 *
 * @module
 */

/** Groups of environment variables; the README explains them below its table, in this order. */
export const VARIABLES = {
  /** Read by every command with settings. */
  settings: [
    ...["REDIS_URL", "RUNNER_CONFIG", "RUNNER_NAME", "RUNNER_NAMESPACE", "HOME", "XDG_CONFIG_HOME"],
    ...["CLICOLOR_FORCE", "NO_COLOR", "TERM"],
  ],
  /** Settings of a runner. */
  runner: ["RUNNER_SPOOL", "RUNNER_TMUX_SOCKET"],
  /** Used to start tmux, and with it the jobs; besides HOME. */
  terminals: ["LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TMUX_TMPDIR", "USER"],
} as const;

/** The needs of some commands; they do not need what is left out. */
export interface Need {
  /** Commands, or forms of them, as they are typed. */
  readonly of: readonly string[];
  /** The command whose needs this one has as well. */
  readonly besides?: string;
  /** Redis. */
  readonly net?: true;
  readonly env?: readonly (keyof typeof VARIABLES)[];
  /** Further variables. */
  readonly names?: readonly string[];
  /** Which files, in words. */
  readonly read?: string;
  readonly write?: string;
  readonly run?: readonly string[];
  readonly sys?: readonly string[];
  /** Kinds that it can do without: then it shows what Redis has of an output. */
  readonly spares?: readonly ("read" | "sys")[];
}

/** The needs of all commands; every command has at least one row. */
export const NEEDS: readonly Need[] = [
  { of: ["version", "help", "completions", "--help"] },
  { of: ["submit --dry-run"], env: ["settings"], names: ["RUNNER_SPOOL"] },
  {
    of: ["status", "events", "wait", "send", "screen", "cancel", "retry", "pause", "resume", "purge"],
    net: true,
    env: ["settings"],
  },
  { of: ["submit"], net: true, env: ["settings"], names: ["RUNNER_SPOOL"] },
  {
    of: ["submit --script", "submit --env-file", "submit --from"],
    net: true,
    env: ["settings"],
    names: ["RUNNER_SPOOL"],
    read: "that file",
  },
  {
    of: ["submit --follow", "logs"],
    net: true,
    env: ["settings"],
    names: ["RUNNER_SPOOL", "XDG_STATE_HOME"],
    read: "spool, if it can",
    sys: ["uid"],
    spares: ["read", "sys"],
  },
  {
    of: ["attach"],
    net: true,
    env: ["settings", "terminals"],
    names: ["SSH_AUTH_SOCK", "TMUX"],
    run: ["tmux"],
    sys: ["hostname"],
  },
  {
    of: ["run"],
    net: true,
    env: ["settings", "runner", "terminals"],
    names: ["RUNNER_CRASH_AT", "XDG_STATE_HOME"],
    read: "spool, working folder",
    write: "spool",
    run: ["tmux"],
    sys: ["hostname", "uid"],
  },
  {
    of: ["run --embedded-redis"],
    besides: "run",
    read: "also the default spool",
    write: "also the default spool",
    run: ["redis-server"],
  },
  {
    of: ["doctor"],
    net: true,
    env: ["settings"],
    names: ["PATH", "RUNNER_SPOOL", "XDG_STATE_HOME"],
    read: "spool, or the folder for it",
    write: "spool, or the folder for it",
    run: ["tmux"],
    sys: ["uid"],
  },
  { of: ["config"], env: ["settings", "runner"] },
  { of: ["service install --print"], env: ["settings", "runner"], names: ["PATH"], sys: ["uid"] },
  { of: ["service status"], env: ["settings", "runner"], names: ["PATH"], read: "its file", sys: ["uid"] },
  {
    of: ["service install"],
    env: ["settings", "runner"],
    names: ["PATH"],
    read: "its file",
    write: "the folder of its file",
    sys: ["uid"],
  },
  {
    of: ["service uninstall"],
    env: ["settings", "runner"],
    names: ["PATH"],
    write: "the folder of its file",
    sys: ["uid"],
  },
];

/** Returns the names of all variables of a need. */
export function variablesOf({ env = [], names = [] }: Need): string[] {
  return [...env.flatMap((group) => VARIABLES[group]), ...names];
}
