import { InvalidInputError } from "../domain/errors.ts";

/**
 * Reads JSON that a user wrote. The engine's own message quotes the text around the fault, which may be a payload or a
 * password; only the place of the fault is kept.
 *
 * @param cannot Begin of the message, such as `Cannot read file "x"`.
 * @throws {InvalidInputError} It is no JSON.
 */
export function readJson(text: string, cannot: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /\(?line (\d+) column (\d+)\)?/.exec(error instanceof Error ? error.message : "");
    throw new InvalidInputError(`${cannot}: it is no JSON${place ? `, see line ${place[1]}, column ${place[2]}` : ""}`);
  }
}
