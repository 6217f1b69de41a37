/** Minimum length of a shortened id, characters. */
const SHORTEST = 8;
/** Characters that are not worth shortening an id for. */
const SPARED = 3;

/**
 * Shortens ids for a list on a terminal: to the shortest prefix that no other job's id has, with an ellipsis after it.
 */
export class ShortIds {
  readonly #sorted: string[];

  /** @param ids Ids of all jobs among which a prefix must be unique. */
  constructor(ids: Iterable<string>) {
    this.#sorted = [...new Set(ids)].sort();
  }

  /** Returns an id, shortened where that is worth it. */
  of(id: string): string {
    const at = this.#indexOf(id);
    const next = this.#sorted[at] === id ? at + 1 : at;
    const neighbours = [this.#sorted[at - 1], this.#sorted[next]].filter((other) => other !== undefined);
    const same = Math.max(0, ...neighbours.map((other) => commonPrefix(id, other)));
    const prefix = cut(id, Math.max(SHORTEST, same + 1));
    return id.length - prefix.length > SPARED && !id.startsWith("@") ? `${prefix}…` : id;
  }

  /** Returns how many ids sort before this one. */
  #indexOf(id: string): number {
    let [from, to] = [0, this.#sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#sorted[middle] < id) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function commonPrefix(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** Returns the first code units of a text, without splitting a surrogate pair. */
function cut(text: string, length: number): string {
  return text.slice(0, length + (text.slice(0, length).isWellFormed() ? 0 : 1));
}
