/** Oldest supported tmux: commands of earlier ones behave differently. Program, documents and tests all refer to it. */
export const OLDEST_TMUX = "3.2";
/** Oldest supported Redis. */
export const OLDEST_REDIS = "7.0";

/**
 * Compares versions by their first two numbers.
 *
 * @param says Version text that a program prints.
 * @returns Whether it is older; `false` when a text holds no version number.
 */
export function isOlder(says: string, than: string): boolean {
  const [own, other] = [says, than].map((text) => /(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  return own !== undefined && other !== undefined && (own[0] - other[0] || own[1] - other[1]) < 0;
}
