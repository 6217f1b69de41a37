/** The shortest begin of an id that stands for it, and what it must spare at least. */
const SHORTEST = 8, SPARED = 3;

/**
 * Ids as a list on a terminal shows them: the shortest begin that no other job's id has, with an ellipsis behind it.
 */
export class ShortIds {
  readonly #sorted: string[];

  /** @param ids Of all jobs among which a begin is looked for. */
  constructor(ids: Iterable<string>) {
    this.#sorted = [...new Set(ids)].sort();
  }

  /** An id, shortened where that is worth it. */
  of(id: string): string {
    const at = this.#indexOf(id);
    const next = this.#sorted[at] === id ? at + 1 : at;
    const neighbours = [this.#sorted[at - 1], this.#sorted[next]].filter((other) => other !== undefined);
    const same = Math.max(0, ...neighbours.map((other) => sameBegin(id, other)));
    const begin = cut(id, Math.max(SHORTEST, same + 1));
    return id.length - begin.length > SPARED && !id.startsWith("@") ? `${begin}…` : id;
  }

  /** How many ids come before this one. */
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

function sameBegin(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** The first units of a text, without breaking a character in two. */
function cut(text: string, length: number): string {
  return text.slice(0, length + (text.slice(0, length).isWellFormed() ? 0 : 1));
}
