import { type Finding, judgeDefaultUser, judgeServer, keepsAppendOnlyFile } from "./check.ts";
import type { Trouble } from "../ports/queue.ts";
import type { Reply } from "./client.ts";
import { Keys } from "./keys.ts";
import { Link } from "./link.ts";
import type { Place } from "./open_store.ts";
import { type InstanceIdentity, RedisQueue } from "./queue.ts";

/** The runner's side; connects with the first call. */
export function openQueue(place: Place, identity: InstanceIdentity): RedisQueue {
  return new RedisQueue(place, { keys: new Keys(place.namespace), identity, clock: place.clock });
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
    const info = String(await link.call("INFO", []));
    const findings = judgeServer(info, { namespace: place.namespace, nowMs: nowMs() });
    return keepsAppendOnlyFile(info) ? [...findings, ...judgeDefaultUser(await defaultUser(link))] : findings;
  } finally {
    link.close();
  }
}

/** What a server says of its user `default`; `null` when we may not ask. */
async function defaultUser(link: Link): Promise<Reply> {
  try {
    return await link.call("ACL", ["GETUSER", "default"]);
  } catch (error) {
    if ((error as Partial<Trouble>).condition === "unreachable") throw error;
    return null;
  }
}
