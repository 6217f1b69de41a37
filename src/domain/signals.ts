/** Names of the POSIX and Linux signals, indexed by number (x86 and ARM numbering, signal(7)). */
const NAMES = [
  "",
  "HUP",
  "INT",
  "QUIT",
  "ILL",
  "TRAP",
  "ABRT",
  "BUS",
  "FPE",
  "KILL",
  "USR1",
  "SEGV",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "STKFLT",
  "CHLD",
  "CONT",
  "STOP",
  "TSTP",
  "TTIN",
  "TTOU",
  "URG",
  "XCPU",
  "XFSZ",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
  "SYS",
] as const;

/**
 * Returns the signal that a shell's exit code stands for: 128 + n means that signal n ended the program. A program that
 * exits with such a code by itself cannot be distinguished from one that a signal ended.
 *
 * @param code Exit code, 0 to 255.
 * @returns Number and name, or `null` when the code stands for no signal.
 */
export function signalOf(code: number): { number: number; name: string } | null {
  const number = code - 128;
  const name = NAMES[number];
  return name ? { number, name } : null;
}
