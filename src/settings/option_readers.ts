/**
 * Readers of options that are more than a word or a number. Each throws `InvalidInputError`.
 *
 * @module
 */
import { InvalidInputError } from "../domain/errors.ts";

/** Reads a command line for a shell. */
export function readHook(text: string): string {
  if (text.trim() === "" || text.includes("\0")) {
    throw new InvalidInputError("Cannot run an empty command, or one with a NUL character");
  }
  return text;
}

/** Reads the folder of a spool: any non-empty path. */
export function readSpool(text: string): string {
  if (text === "") throw new InvalidInputError("Cannot use an empty spool folder: leave it out for the default one");
  return text;
}

/** Reads the name of a socket, which tmux creates in its own folder. */
export function readSocket(text: string): string {
  if (text === "" || text.includes("/")) {
    throw new InvalidInputError(`Cannot use tmux socket ${JSON.stringify(text)}: write a name without "/"`);
  }
  return text;
}
