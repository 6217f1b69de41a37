/**
 * Readers of options that are more than a word or a number. Each throws `InvalidInputError`.
 *
 * @module
 */
import { InvalidInputError } from "../domain/errors.ts";

/** A name as it may stand in a key of Redis. */
export function readRunnerName(text: string): string {
  // deno-lint-ignore no-control-regex
  if (text === "" || text.length > 200 || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new InvalidInputError(
      `Cannot use runner name ${JSON.stringify(text)}: a name has 1 to 200 characters and no control characters`,
    );
  }
  return text;
}

/** `production` and `production:` are the same tenant. */
export function readNamespace(text: string): string {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new InvalidInputError(`Cannot use namespace ${JSON.stringify(text)}: it holds control characters`);
  }
  return text === "" || text.endsWith(":") ? text : `${text}:`;
}

/** A command line that a shell can be given. */
export function readHook(text: string): string {
  if (text.trim() === "" || text.includes("\0")) {
    throw new InvalidInputError("Cannot run an empty command, or one with a NUL character");
  }
  return text;
}
