/** Bytes. A journal of some hundred attempts is smaller. */
const SIZE = 256 << 10;

/**
 * Room on a disk, for what has to be written when the disk is full: what fills it may be an output that goes as soon as
 * its end is on record.
 */
export class Reserve {
  readonly #path: string;

  /** @param path The file that takes the room. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the room, unless it has it or the disk lacks it. */
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

  /** Frees the room. Returns whether there was any. */
  spend(): boolean {
    try {
      Deno.removeSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }
}
