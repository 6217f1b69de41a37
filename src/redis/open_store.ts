import type { Clock } from "../ports/clock.ts";
import type { Target } from "./client.ts";
import { RedisJobStore } from "./job_store.ts";
import { Keys } from "./keys.ts";

/** A Redis, a namespace in it, and the clock by which to wait. */
export interface Place extends Target {
  /** Raw prefix of all keys, such as `production:`; may be empty. */
  readonly namespace: string;
  readonly clock: Clock;
}

/**
 * Opens the clients' side; connects with the first call. It is a module of its own, so that clients need not load the
 * runner's side.
 */
export function openStore(place: Place): RedisJobStore {
  return new RedisJobStore(place, { keys: new Keys(place.namespace), clock: place.clock });
}
