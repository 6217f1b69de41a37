/** Returns how many letters must change to get from `a` to `b`; two letters in the wrong order count as one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        next[j] = Math.min(next[j], before[j - 2] + 1);
      }
    }
    before = row;
    row = next;
  }
  return row[b.length];
}

/**
 * Finds the word that was probably meant: the nearest one, at most a third of its letters away, or one that `word` is a
 * prefix of.
 *
 * @returns `null` when none is near.
 */
export function suggest(word: string, known: readonly string[]): string | null {
  let best: { word: string; away: number } | null = null;
  for (const one of known) {
    const away = word.length > 1 && one.startsWith(word) ? 0.5 : distance(word, one);
    if (away <= Math.max(1, Math.floor(one.length / 3)) && away < (best?.away ?? Infinity)) best = { word: one, away };
  }
  return best?.word ?? null;
}
