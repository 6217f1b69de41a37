/** The oldest tmux whose commands do what is asked of them; one place for the program, its documents and its tests. */
export const OLDEST_TMUX = "3.2";
/** The oldest Redis. */
export const OLDEST_REDIS = "7.0";

/** Whether a program that says its version is older than another one; not when it says no number. */
export function isOlder(says: string, than: string): boolean {
  const [own, other] = [says, than].map((text) => /(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  return own !== undefined && other !== undefined && (own[0] - other[0] || own[1] - other[1]) < 0;
}
