import type { Finding } from "../ports/finding.ts";
import { judgeDefaultUser, judgeServer, keepsAppendOnlyFile } from "./check.ts";
import type { Trouble } from "../ports/queue.ts";
import type { Reply } from "./client.ts";
import { Keys } from "./keys.ts";
import { Link } from "./link.ts";
import type { Place } from "./open_store.ts";
import type { InstanceIdentity } from "./identity.ts";
import { RedisQueue } from "./queue.ts";

/** Opens the runner's side of the queue; connects with the first call. */
export function openQueue(place: Place, identity: InstanceIdentity): RedisQueue {
  return new RedisQueue(place, { keys: new Keys(place.namespace), identity, clock: place.clock });
}

/**
 * Reads the INFO of a server once and checks it.
 *
 * @param nowMs The host's clock, Unix ms, read when the reply has come.
 * @throws {UnavailableError} It cannot be reached, or refuses access.
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

/** Reads the rules of the user `default` of a server; `null` without the right to read them. */
async function defaultUser(link: Link): Promise<Reply> {
  try {
    return await link.call("ACL", ["GETUSER", "default"]);
  } catch (error) {
    if ((error as Partial<Trouble>).condition === "unreachable") throw error;
    return null;
  }
}
