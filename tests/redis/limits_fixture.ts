import type { OwnedAttempt } from "../../src/ports/queue.ts";
import type { RedisQueue } from "../../src/redis/queue.ts";
import { assert } from "../support/assert.ts";
import { RedisFixture } from "./redis_fixture.ts";

/** A Redis in which jobs with limits start. */
export async function open(): Promise<RedisFixture> {
  const fixture = await RedisFixture.open();
  await fixture.endHold();
  return fixture;
}

/** Claims and starts jobs in one step; returns those that run now. */
export async function begin(queue: RedisQueue, limit = 20): Promise<OwnedAttempt[]> {
  const claimed = await queue.claim(limit, ["tmux.main"]);
  assert(claimed !== "FENCED");
  return claimed.flatMap(({ raw, reply }) =>
    reply?.type === "OK" ? [{ id: new TextDecoder().decode(raw), token: reply.token }] : []
  );
}

/** Ids of attempts. */
export const idsOf = (attempts: readonly OwnedAttempt[]) => attempts.map(({ id }) => id);
