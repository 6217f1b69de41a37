/**
 * Calls that are under way at the same time: enough to hide the way to Redis, and far from what a connection refuses.
 */
const SIDE_BY_SIDE = 64;

/** Like `Promise.all(items.map(work))`, for any number of items: only some of them are under way at the same time. */
export async function mapSideBySide<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += SIDE_BY_SIDE) {
    results.push(...await Promise.all(items.slice(at, at + SIDE_BY_SIDE).map(work)));
  }
  return results;
}
