import { InvalidInputError } from "./errors.ts";

/**
 * The name of a runner, and of its queue, as it may stand in a key of Redis.
 *
 * @throws {InvalidInputError} It can be none.
 */
export function readRunnerName(text: string): string {
  // deno-lint-ignore no-control-regex
  if (text === "" || text.length > 200 || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new InvalidInputError(
      `Cannot use runner name ${JSON.stringify(text)}: a name has 1 to 200 characters and no control characters`,
    );
  }
  return text;
}
