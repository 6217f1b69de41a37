import { InvalidInputError } from "../../domain/errors.ts";

/**
 * Reads a range of bytes as in RFC 9110, section 14.1.2: `0-499`, `500-` or `-500`.
 *
 * @returns Offset of the first byte, negative when it counts from the end, and the offset behind the last one.
 * @throws {InvalidInputError} It is no such range.
 */
export function readRange(text: string): { readonly offset: number; readonly end?: number } {
  const [, first, last, suffix] = /^(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/.exec(text) ?? [];
  if (suffix !== undefined && Number(suffix) > 0) return { offset: -Number(suffix) };
  if (first !== undefined && last === undefined) return { offset: Number(first) };
  if (first !== undefined && Number(first) <= Number(last)) return { offset: Number(first), end: Number(last) + 1 };
  throw new InvalidInputError(
    `Cannot read range ${JSON.stringify(text)}: write for example 0-499, 500- or -500, in bytes from 0 on`,
  );
}
