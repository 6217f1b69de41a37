/**
 * Most calls in progress at the same time: enough to hide the latency of Redis, and far below what a connection
 * refuses.
 */
const SIDE_BY_SIDE = 64;

/** Works like `Promise.all(items.map(work))`, but with a limited number of calls in progress at the same time. */
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
