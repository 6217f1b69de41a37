import type { LimitList, LimitStore, StoredLimit } from "../../src/ports/limits.ts";

const UNUSED = { n: 1, isSet: false, held: 0, holders: [], parked: 0, waiting: [] };

/** Limits in memory, as clients see them. */
export class FakeLimits implements LimitStore {
  readonly stored = new Map<string, StoredLimit>();
  heldMs = 0;

  /** Changes a limit, or adds it. */
  change(key: string, more: Partial<StoredLimit>): void {
    this.stored.set(key, { ...UNUSED, ...this.stored.get(key), ...more, key });
  }

  read(keys: readonly string[] = [...this.stored.keys()]): Promise<LimitList> {
    const limits = keys.map((key) => this.stored.get(key) ?? { ...UNUSED, key });
    return Promise.resolve({ heldMs: this.heldMs, limits });
  }

  limitSet(key: string, n: number): Promise<void> {
    this.change(key, { n, isSet: true });
    return Promise.resolve();
  }

  limitRemove(key: string): Promise<boolean> {
    const isSet = this.stored.get(key)?.isSet ?? false;
    if (isSet) this.stored.delete(key);
    return Promise.resolve(isSet);
  }
}
