import { InvalidInputError } from "./errors.ts";
import { printable, toJson } from "./printable.ts";

/**
 * Parts that a prefix must not hold: with one of them, keys of this tenant could equal keys of another tenant. See
 * src/redis/keys.ts.
 */
const KEY_OF_ANOTHER = /(?:^|:)(job_|runner:|rr:)/;

/**
 * Returns the prefix of all keys of a tenant, empty or ending in a colon; `production` and `production:` are the same.
 *
 * @throws {InvalidInputError} The text cannot be a namespace.
 */
export function readNamespace(text: string): string {
  if (printable(text) !== text) {
    throw new InvalidInputError(`Cannot use namespace ${toJson(text)}: it holds control or invisible characters`);
  }
  const prefix = text === "" || text.endsWith(":") ? text : `${text}:`;
  const [, word] = KEY_OF_ANOTHER.exec(prefix) ?? [];
  if (word === undefined) return prefix;
  throw new InvalidInputError(
    `Cannot use namespace ${JSON.stringify(text)}: its keys would be those of another namespace; choose one without ${
      JSON.stringify(word)
    } at its start or after a colon`,
  );
}
