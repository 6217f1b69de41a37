import type { Clock } from "../ports/clock.ts";
import type { Target } from "./client.ts";
import { RedisJobStore } from "./job_store.ts";
import { Keys } from "./keys.ts";

/** A Redis, a namespace in it, and the time by which to wait. */
export interface Place extends Target {
  /** Raw prefix of all keys, such as `production:`; may be empty. */
  readonly namespace: string;
  readonly clock: Clock;
}

/** The clients' side; connects with the first call. Apart from the runner's, which clients need not load. */
export function openStore(place: Place): RedisJobStore {
  return new RedisJobStore(place, { keys: new Keys(place.namespace), clock: place.clock });
}
