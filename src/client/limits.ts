import { InvalidInputError } from "../domain/errors.ts";
import { batchOfLimit, queueOfLimit, readSettableLimit } from "../domain/limit_key.ts";
import { MAX_LIMIT } from "../domain/limits.ts";
import type { LimitStore, PermitHolder, StoredLimit } from "../ports/limits.ts";

/** The store of the limits. */
interface Store {
  readonly limits: LimitStore;
}

/**
 * Sets how many jobs with a key run at the same time, or of a queue with `runner:NAME`.
 *
 * @throws {InvalidInputError} The key or the number is not valid; nothing was changed.
 */
export async function setLimit(store: Store, key: string, n: number): Promise<void> {
  readSettableLimit(key);
  if (!Number.isInteger(n) || n < 0 || n > MAX_LIMIT) {
    throw new InvalidInputError(
      `Cannot set limit ${JSON.stringify(key)} to ${n}: it must be a whole number from 0 to ${MAX_LIMIT}`,
    );
  }
  await store.limits.limitSet(key, n);
}

/**
 * Removes what was set for a limit: jobs with its key run one at a time again, and a queue without a limit.
 *
 * @throws {InvalidInputError} It is not set; nothing was changed.
 */
export async function removeLimit(store: Store, key: string): Promise<void> {
  if (await store.limits.limitRemove(readSettableLimit(key))) return;
  throw new InvalidInputError(
    `Cannot remove limit ${JSON.stringify(key)}: it is not set; runner limit list shows those that are`,
  );
}

/** Returns the limits that are set or in use, by key. */
export async function listLimits(store: Store): Promise<readonly StoredLimit[]> {
  return (await store.limits.read()).limits;
}

/** Names at most three holders, `a, b and 2 more`. */
export function holdersText(holders: readonly PermitHolder[], held: number): string {
  const named = holders.slice(0, 3).map(({ id }) => JSON.stringify(id));
  const more = held - named.length;
  return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
}

function nameOf(key: string): string {
  const batch = batchOfLimit(key);
  return batch === null ? `limit ${key}` : `other members of batch ${batch}`;
}

/** Says what keeps a parked job from starting; `isServed` is whether a runner claims jobs of its queue now. */
export async function explainLimit(store: Store, key: string, isServed: boolean): Promise<string> {
  const { heldMs, limits: [{ n, held, holders }] } = await store.limits.read([key]);
  if (heldMs > 0) {
    return `waits for ${nameOf(key)}: Redis may have lost which jobs hold it, and for another ` +
      `${Math.ceil(heldMs / 1000)} s their runners report them`;
  }
  if (n === 0) return `waits for limit ${key}, which is 0: no job with it starts`;
  const who = holders.length === 0 ? "" : ` by ${holdersText(holders, held)}`;
  return held < n && isServed
    ? `waits for ${nameOf(key)}, which has room: ${held} of ${n} held${who}; it is queued again within a minute`
    : `waits for ${nameOf(key)}: ${held} of ${n} held${who}`;
}

/** Says that the limit of a queue is reached; `null` when it has none, or room. */
export async function explainQueueLimit(store: Store, key: string): Promise<string | null> {
  const { limits: [{ n, isSet, held }] } = await store.limits.read([key]);
  if (!isSet || held < n) return null;
  return n === 0
    ? `waits for limit ${key}, which is 0: nothing of this queue starts`
    : `waits for limit ${key}: ${held} of ${n} run`;
}

/** Whether a limit is of a queue. */
export function isOfQueue({ key }: Pick<StoredLimit, "key">): boolean {
  return queueOfLimit(key) !== null;
}
