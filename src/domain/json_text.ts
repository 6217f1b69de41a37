import { InvalidInputError } from "./errors.ts";

/**
 * Parses JSON that a user wrote. The engine's message quotes the text around the error, which may be a payload or a
 * password: only the position of the error is reported, if the engine says it at the end of its message.
 *
 * @param cannot Start of the message, such as `Cannot read file "x"`.
 * @throws {InvalidInputError} It is no JSON.
 */
export function readJson(text: string, cannot: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(String(error));
    throw new InvalidInputError(`${cannot}: it is no JSON${found ? `, see ${placeOf(text, Number(found[1]))}` : ""}`);
  }
}

/** Returns line and column of an offset as an editor shows them; the engine counts UTF-16 units and no CR. */
function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${lines.length}, column ${[...lines.at(-1)!].length + 1}`;
}
