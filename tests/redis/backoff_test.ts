import { Backoff } from "../../src/redis/backoff.ts";
import { Link } from "../../src/redis/link.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { freePort } from "../support/redis_server.ts";

Deno.test("pause() doubles up to a second, half by chance", async () => {
  const slept: number[] = [];
  const clock = {
    now: () => 0,
    random: () => 0.5,
    sleep: (ms: number) => Promise.resolve(void slept.push(ms)),
  };
  const backoff = new Backoff(clock);
  const { signal } = new AbortController();
  await backoff.pause(signal);
  for (let i = 0; i < 8; i++) {
    backoff.failed();
    await backoff.pause(signal);
  }
  assertEquals(slept, [50, 100, 200, 400, 800, 1000, 1000, 1000].map((ms) => ms * 0.75));
  backoff.succeeded();
  backoff.failed();
  await backoff.pause(signal);
  assertEquals(slept.at(-1), 37.5);
});

Deno.test("a link pauses longer and longer before it connects again", async () => {
  const pauses: number[] = [];
  const sleep = (ms: number) => {
    pauses.push(ms);
    return Promise.resolve();
  };
  const clock = { now: () => 0, random: () => 1, sleep };
  const link = new Link({ url: parseRedisUrl(`127.0.0.1:${freePort()}`) }, clock);
  for (let i = 0; i < 4; i++) await assertRejects(() => link.call("PING", []));
  assertEquals(pauses, [50, 100, 200]);
  link.close();
});
