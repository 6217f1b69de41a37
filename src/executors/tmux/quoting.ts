/**
 * One function for each of the readers that a piece of text passes on its way through tmux. Innermost first: a path in a shell
 * command of `run-shell` is `argument(literal(`cat ${word(path)}`))`.
 *
 * @module
 */

/** An argument of a command line that tmux reads; a newline cannot stand in it, nor can NUL. */
export function argument(text: string): string {
  // $ is a variable and ~ a home folder to tmux, even between double quotes
  return `"${text.replace(/[\\"$~]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

/** Text that tmux expands as a format: `#{...}`, `#(command)`. */
export function literal(text: string): string {
  return text.replaceAll("#", "##");
}

/** Text that tmux expands as a format and as a time, such as the command of `pipe-pane`. */
export function timeless(text: string): string {
  return literal(text).replaceAll("%", "%%");
}

/** A word of a POSIX shell. */
export function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
