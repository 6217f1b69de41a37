const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|z|[+-]\d\d:?\d\d)?$/;

/** Returns the minutes east of UTC of a suffix such as `+05:30`. */
function offsetOf(zone: string): number {
  if (zone === "Z" || zone === "z") return 0;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone)!;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/**
 * Reads a time: RFC 3339, `YYYY-MM-DD HH:MM[:SS]`, or Unix seconds.
 *
 * @param text Text from a user or another program.
 * @param zoneless Time zone of a time without one.
 * @returns Unix milliseconds; `null` when it is not a time.
 */
export function readTime(text: string, zoneless: "local" | "utc"): number | null {
  if (/^\d{9,11}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  const match = DATE_TIME.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const ms = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  const zone = match[8] ?? (zoneless === "utc" ? "Z" : null);
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms));
  // Date.UTC would silently turn February 30 into March 2
  if (utc.getUTCMonth() !== month - 1 || utc.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    return null;
  }
  if (zone === null) return new Date(year, month - 1, day, hour, minute, second, ms).getTime();
  return utc.getTime() - offsetOf(zone) * 60_000;
}

/** Formats a time for people, in local time; `readTime` accepts the result. */
export function formatLocalTime(ms: number): string {
  const east = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + east * 60_000).toISOString().slice(0, 19).replace("T", " ");
  const [hours, minutes] = [Math.floor(Math.abs(east) / 60), Math.abs(east) % 60].map((n) =>
    String(n).padStart(2, "0")
  );
  return `${local}${east < 0 ? "-" : "+"}${hours}:${minutes}`;
}

/** Formats a time as RFC 3339 in UTC with milliseconds. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
