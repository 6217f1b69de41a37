import type { OwnedAttempt, Queue } from "../../src/ports/queue.ts";
import type { RedisServer } from "../support/redis_server.ts";

/** Jobs that one call copies: Redis serves no client meanwhile. */
const PIECE = 5_000;

const COPY =
  `local template, queue, index, from, count = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[2])
local at = redis.call('TIME')
for i = from, from + count - 1 do
  local id = string.format('00000000-0000-4000-8000-%012d', i)
  redis.call('COPY', template, ARGV[3] .. id)
  redis.call('HSET', ARGV[3] .. id, 'id', id)
  redis.call('RPUSH', queue, id)
  redis.call('ZADD', index, at[1] * 1000, id)
end`;

/** Fills a queue with copies of a job that is there; those are next, before what was queued. */
export async function manyJobs(
  redis: RedisServer,
  template: string,
  to: { readonly runner: string; readonly count: number; readonly namespace?: string },
): Promise<void> {
  const { runner, count, namespace = "" } = to;
  const keys = [`${namespace}job_${template}`, `${namespace}runner:${runner}`, `${namespace}rr:jobs`];
  for (let from = 1; from <= count; from += PIECE) {
    await redis.call("EVAL", COPY, 3, ...keys, from, Math.min(PIECE, count - from + 1), `${namespace}job_`);
  }
}

/** A field of INFO as a number. */
export async function info(redis: RedisServer, name: string): Promise<number> {
  const text = String(await redis.call("INFO", "everything"));
  return Number(new RegExp(`^${name}:([0-9.]+)`, "m").exec(text)?.[1]);
}

/** Claims the next job, then starts it. */
export async function takenInSteps(queue: Queue): Promise<OwnedAttempt> {
  const claimed = await queue.claim(1);
  const id = claimed === "FENCED" ? "" : new TextDecoder().decode(claimed[0].raw);
  const reply = await queue.start(id);
  if (reply.type !== "OK") throw new Error(`Cannot measure a job: its start was answered by ${reply.type}`);
  return { id, token: reply.token };
}

/** Claims and starts the next job, in one step as under load. */
export async function taken(queue: Queue): Promise<OwnedAttempt> {
  const claimed = await queue.claim(1, ["tmux.bench"]);
  const [{ raw, reply }] = claimed === "FENCED" ? [] : claimed;
  if (reply?.type !== "OK") throw new Error(`Cannot measure a job: its start was answered by ${reply?.type}`);
  return { id: new TextDecoder().decode(raw), token: reply.token };
}
