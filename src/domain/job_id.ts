import { InvalidInputError } from "./errors.ts";
import { MAX_ID } from "./limits.ts";
import { printable } from "./printable.ts";

/**
 * Reads an id from a queue.
 *
 * @param raw Bytes of the list element.
 * @returns The id, or the reason why the bytes cannot be one.
 */
export function readJobId(raw: Uint8Array): { readonly id: string } | { readonly reason: string } {
  if (raw.length === 0) return { reason: "the id is empty" };
  if (raw.length > MAX_ID) return { reason: `the id has ${raw.length} bytes, more than ${MAX_ID}` };
  try {
    const id = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    return { id };
  } catch {
    return { reason: "the id is not UTF-8" };
  }
}

/**
 * Checks an id that a user chose.
 *
 * @throws {InvalidInputError} The text cannot be an id.
 */
export function checkJobId(id: string): void {
  const bytes = new TextEncoder().encode(id).length;
  // half of a surrogate pair would become another id in UTF-8
  if (id === "" || bytes > MAX_ID || printable(id) !== id || id.startsWith("@") || !id.isWellFormed()) {
    throw new InvalidInputError(
      `Cannot use id ${
        JSON.stringify(id)
      }: an id has 1 to ${MAX_ID} bytes, no control or invisible characters and no "@" in front`,
    );
  }
}
