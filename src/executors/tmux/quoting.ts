/**
 * One function for each of the readers that a piece of text passes on its way through tmux, beside its argument vector,
 * where it stands as it is. Innermost first: a path in a shell command of `run-shell` is `literal(`cat
 * ${word(path)}`)`.
 *
 * @module
 */

/** Text that tmux expands as a format, `#{...}` or `#(command)`: names, commands, and paths of `load-buffer`. */
export function literal(text: string): string {
  return text.replaceAll("#", "##");
}

/** Text that tmux expands as a format and as a time, such as the command of `pipe-pane`. */
export function timeless(text: string): string {
  return literal(text).replaceAll("%", "%%");
}

/** What a client printed, as it was meant: tmux 3.4 writes a backslash before a dollar sign that a name follows. */
export function printed(text: string, version: string): string {
  return version === "3.4" ? text.replace(/\\(\$[A-Za-z_{])/g, "$1") : text;
}

/** A word of a POSIX shell. */
export function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
