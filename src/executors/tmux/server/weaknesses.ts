/** Oldest supported tmux: commands of earlier ones behave differently. Program, documents and tests all refer to it. */
export const OLDEST_TMUX = "3.2";

/**
 * Programs besides tmux that the scripts of this folder call; `setup.sh` and `examine` check for them in PATH.
 */
export const PROGRAMS: readonly string[] = [
  ...["awk", "cat", "cut", "dd", "env", "grep", "head", "ls", "mkfifo", "mv"],
  ...["readlink", "rm", "sed", "sh", "sleep", "sort", "stty", "tail", "tr"],
];

/** A weakness of some versions of tmux that people may still run into; this program uses nothing that it affects. */
interface Weakness {
  /** The first version without it, major and minor; a future version while no release has the fix. */
  readonly until: readonly [number, number];
  readonly says: string;
}

/**
 * The worst first. Both end the server, and every job with it. Between its flags and the end of its identification, a
 * client in control mode has no state for a notice. The notice of a changed window may come after the end of its
 * session. Our clients are never in control mode (clients.ts), so only those of people can trigger it.
 */
const WEAKNESSES: readonly Weakness[] = [
  { until: [3, 7], says: "may die with all its jobs when a client attaches in control mode (tmux -C, iTerm2)" },
  {
    until: [3, 8],
    says: "may die with all its jobs when a session ends while a client is attached in control mode (tmux -C, iTerm2)",
  },
];

/** Returns the weakness of a version of tmux, given as `tmux -V` prints it; `null` when there is none. */
export function weaknessOf(said: string): { readonly says: string; readonly remedy: string } | null {
  const version = /(\d+)\.(\d+)/.exec(said);
  if (version === null) return null;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const found = WEAKNESSES.find(({ until }) => major < until[0] || (major === until[0] && minor < until[1]));
  return found
    ? { says: `${said} ${found.says}`, remedy: "Look with runner attach, or with tmux attach without -C" }
    : null;
}
