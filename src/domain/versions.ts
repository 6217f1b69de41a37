/** Oldest supported Redis. */
export const OLDEST_REDIS = "7.0";

/**
 * Compares versions by their first two numbers; the second of a number alone, such as `7`, is 0. What stands around
 * them counts for nothing: `3.3a`, `3.3-rc` and `next-3.3` are no older than `3.3`, as they have what is used of it.
 *
 * @param says Version text that a program prints.
 * @returns Whether it is older; `false` when a text holds no version number.
 */
export function isOlder(says: string, than: string): boolean {
  const [own, other] = [numbersOf(says), numbersOf(than)];
  return own !== null && other !== null && (own[0] - other[0] || own[1] - other[1]) < 0;
}

function numbersOf(text: string): [major: number, minor: number] | null {
  // digits of a word, as in the name of a commit, are no version
  const found = /(\d+)\.(\d+)|(?<![\w.,])(\d+)(?![\w.,])/.exec(text);
  return found && [Number(found[1] ?? found[3]), Number(found[2] ?? 0)];
}
