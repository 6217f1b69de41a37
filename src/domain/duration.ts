import { InvalidInputError } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001 };

/**
 * Reads a duration: `90`, `90s`, `5m`, `2h`, `1d`, `1h30m`, `250ms`; a bare number is seconds.
 *
 * @param text What the user wrote.
 * @returns Seconds, greater than or equal to 0.
 * @throws {InvalidInputError} It is not a duration.
 */
export function parseDuration(text: string): number {
  const bare = /^\d+(\.\d+)?$/.exec(text);
  if (bare) return Number(text);
  if (!/^(\d+(\.\d+)?(d|h|ms|m|s))+$/.test(text)) {
    throw new InvalidInputError(`Cannot read duration "${text}": write for example 90, 90s, 5m, 2h, 1d or 1h30m`);
  }
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s)/g)) {
    seconds += Number(number) * UNITS[unit];
  }
  return seconds;
}

/**
 * Writes a duration for people: `350ms`, `4.2s`, `5m`, `1h30m`, `2d3h`; two units at the most.
 *
 * @param seconds The duration in seconds.
 */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 60) return `${Math.floor(seconds * 10) / 10}s`;
  const whole = Math.floor(seconds);
  const [big, bigUnit, small, smallUnit] = whole < 3_600
    ? [60, "m", 1, "s"] as const
    : whole < 86_400
    ? [3_600, "h", 60, "m"] as const
    : [86_400, "d", 3_600, "h"] as const;
  const rest = Math.floor((whole % big) / small);
  return `${Math.floor(whole / big)}${bigUnit}${rest > 0 ? `${rest}${smallUnit}` : ""}`;
}
