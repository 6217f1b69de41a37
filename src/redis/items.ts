/** The elements of replies of scripts, and what they stand for. */

/** Elements of a script's reply. */
export type Items = readonly (string | number | null)[];

/** Reads elements that came as JSON, without the final "."; a JSON `false` is a null of Lua. */
export function itemsOf(reply: readonly (string | number | false)[]): Items {
  return reply.slice(0, -1).map((item) => item === false ? null : item);
}

/** Reads names and values in turn as pairs, in their order. */
export function pairsOf(items: Items, from = 0): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = from; i + 1 < items.length; i += 2) pairs.push([String(items[i]), String(items[i + 1])]);
  return pairs;
}

/** Reads names and values in turn as a record. */
export function recordOf(items: Items, from = 0): Record<string, string> {
  return Object.fromEntries(pairsOf(items, from));
}
