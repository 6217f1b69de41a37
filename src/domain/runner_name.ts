import { InvalidInputError } from "./errors.ts";
import { printable } from "./printable.ts";

/**
 * Returns the name of a runner and of its queue, checked for use in a Redis key.
 *
 * @throws {InvalidInputError} The text cannot be such a name.
 */
export function readRunnerName(text: string): string {
  const length = [...text].length; // an emoji is one character, of two units
  if (length === 0 || length > 200 || printable(text) !== text || !text.isWellFormed()) {
    throw new InvalidInputError(
      `Cannot use runner name ${
        JSON.stringify(text)
      }: a name has 1 to 200 characters and no control or invisible characters`,
    );
  }
  return text;
}
