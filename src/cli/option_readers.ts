/**
 * Readers of options that are more than a word or a number. Each throws `InvalidInputError`.
 *
 * @module
 */
import { InvalidInputError } from "../domain/errors.ts";

/** A command line that a shell can be given. */
export function readHook(text: string): string {
  if (text.trim() === "" || text.includes("\0")) {
    throw new InvalidInputError("Cannot run an empty command, or one with a NUL character");
  }
  return text;
}

/** The folder of a spool: any but none. */
export function readSpool(text: string): string {
  if (text === "") throw new InvalidInputError("Cannot use an empty spool folder: leave it out for the usual one");
  return text;
}

/** The name of a socket, which tmux makes in a folder of its own. */
export function readSocket(text: string): string {
  if (text === "" || text.includes("/")) {
    throw new InvalidInputError(`Cannot use tmux socket ${JSON.stringify(text)}: write a name without "/"`);
  }
  return text;
}
