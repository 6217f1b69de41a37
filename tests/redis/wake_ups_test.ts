import { parseRedisUrl } from "../../src/redis/url.ts";
import { WakeUps } from "../../src/redis/wake_ups.ts";
import { systemClock } from "../../src/system/clock.ts";
import { RedisServer } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

/** Wake-ups that end with the test. */
class TestWakeUps extends WakeUps implements Disposable {
  [Symbol.dispose](): void {
    this.close();
  }
}

function wakeUpsOf(server: RedisServer): TestWakeUps {
  return new TestWakeUps({ url: parseRedisUrl(server.address) }, systemClock);
}

Deno.test("a caller that begins to listen is woken once, as a message may just have been missed", async () => {
  await using server = await RedisServer.start();
  using wakeUps = wakeUpsOf(server);
  for (const channel of ["first", "second", "second"]) {
    let woken = false;
    wakeUps.listen(channel, () => woken = true);
    await until(`${channel} is looked at again`, () => woken);
  }
});

Deno.test("channels that are changed at the same time are all heard", async () => {
  await using server = await RedisServer.start();
  using wakeUps = wakeUpsOf(server);
  let ready = false;
  wakeUps.listen("base", () => ready = true);
  await until("it listens", () => ready);
  const heard = new Set<string>();
  for (let turn = 0; turn < 100; turn++) {
    const channel = `c${turn}`;
    const leave = wakeUps.listen(`gone-${turn}`, () => {});
    for (let i = 0; i < turn % 5; i++) await null;
    wakeUps.listen(channel, () => heard.add(channel));
    leave();
  }
  await until("all are subscribed", async () => {
    const counts = await server.call("PUBSUB", "NUMSUB", ...Array.from({ length: 100 }, (_, i) => `c${i}`));
    return (counts as (string | number)[]).filter((_, i) => i % 2 === 1).every((count) => Number(count) === 1);
  });
  await until("all have been woken", () => heard.size === 100);
  heard.clear();
  for (let i = 0; i < 100; i++) await server.call("PUBLISH", `c${i}`, "x");
  await until("all have heard", () => heard.size === 100);
});
