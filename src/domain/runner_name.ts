import { InvalidInputError } from "./errors.ts";
import { printable } from "./printable.ts";

/**
 * The name of a runner, and of its queue, as it may stand in a key of Redis.
 *
 * @throws {InvalidInputError} It can be none.
 */
export function readRunnerName(text: string): string {
  if (text === "" || text.length > 200 || printable(text) !== text) {
    throw new InvalidInputError(
      `Cannot use runner name ${
        JSON.stringify(text)
      }: a name has 1 to 200 characters and no control or invisible characters`,
    );
  }
  return text;
}
