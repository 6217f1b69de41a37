import { InvalidInputError } from "./errors.ts";
import { printable, toJson } from "./printable.ts";

/**
 * With one of these after it, the prefix of a tenant would be the beginning of keys of another one; see
 * src/redis/keys.ts.
 */
const KEY_OF_ANOTHER = /(?:^|:)(job_|runner:|rr:)/;

/**
 * The prefix of all keys of a tenant: `production` and `production:` are the same one.
 *
 * @throws {InvalidInputError} It can be none.
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
