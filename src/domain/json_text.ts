import { InvalidInputError } from "./errors.ts";

/**
 * Parses JSON that a user wrote. The engine's message quotes the text around the error, which may be a payload or a
 * password: only the position of the error is reported.
 *
 * @param cannot Start of the message, such as `Cannot read file "x"`.
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
