import type { Condition } from "../../src/ports/queue.ts";
import { trouble, type TroubleError } from "../../src/redis/trouble.ts";

/** Returns the error of a Redis that cannot be used, as the adapter makes it. */
export function unavailable(
  message: string,
  { condition = "unreachable", sent = false }: { condition?: Condition; sent?: boolean } = {},
): TroubleError {
  return trouble(condition, message, { sent });
}
