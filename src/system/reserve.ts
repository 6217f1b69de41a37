/** Bytes of the reserve: more than a journal of some hundred attempts. */
const SIZE = 256 << 10;

/**
 * Reserved space on a disk, for what has to be written when the disk is full. An output may fill it that is removed as
 * soon as its end is on record.
 */
export class Reserve {
  readonly #path: string;

  /** @param path The file that occupies the space. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Reserves the space, unless that is done already or the disk is full. */
  keep(): void {
    try {
      if (Deno.statSync(this.#path).size === SIZE) return;
    } catch {
      // it was spent
    }
    try {
      Deno.writeFileSync(this.#path, new Uint8Array(SIZE), { mode: 0o600 });
    } catch {
      this.spend();
    }
  }

  /** Frees the space. Returns whether there was any. */
  spend(): boolean {
    try {
      Deno.removeSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }
}
