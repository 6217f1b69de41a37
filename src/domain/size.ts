import { InvalidInputError } from "./errors.ts";

const UNITS = ["K", "M", "G", "T"];

/**
 * Reads a size: `4096`, `64M`, `1G`, `1.5G`; a bare number is bytes, and each unit is 1,024 of the one before.
 *
 * @param text What the user wrote.
 * @returns Bytes, a whole number greater than or equal to 0.
 * @throws {InvalidInputError} It is not a size.
 */
export function parseSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGT]?)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1024 ** (UNITS.indexOf(unit?.toUpperCase()) + 1));
  if (!Number.isSafeInteger(bytes)) {
    throw new InvalidInputError(`Cannot read size "${text}": write for example 64M, 1G or 1.5G`);
  }
  return bytes;
}

/** Writes a size as `parseSize` reads it, exactly: in the largest unit of which it is a multiple. */
export function formatSize(bytes: number): string {
  let unit = 0;
  while (unit < UNITS.length && bytes > 0 && bytes % 1024 === 0) {
    bytes /= 1024;
    unit++;
  }
  return `${bytes}${UNITS[unit - 1] ?? ""}`;
}
