import { type Finding, judgeServer } from "./check.ts";
import { Keys } from "./keys.ts";
import { Link } from "./link.ts";
import type { Place } from "./open_store.ts";
import { type Owner, RedisQueue } from "./queue.ts";

/** The runner's side; connects with the first call. */
export function openQueue(place: Place, owner: Owner): RedisQueue {
  return new RedisQueue(place, { keys: new Keys(place.namespace), owner, clock: place.clock });
}

/**
 * Asks a server once what it is and judges it.
 *
 * @param nowMs The host's clock, Unix ms, asked when the reply is there.
 * @throws {UnavailableError} It cannot be reached, or refuses us.
 */
export async function checkServer(place: Place, nowMs: () => number): Promise<Finding[]> {
  const link = new Link(place, place.clock);
  try {
    const info = await link.call("INFO", []);
    return judgeServer(String(info), { namespace: place.namespace, nowMs: nowMs() });
  } finally {
    link.close();
  }
}
