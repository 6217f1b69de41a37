/** What rounds and moves make good after other programs have changed or removed what limits need. */
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { begin, idsOf, open } from "./limits_fixture.ts";
import { ended, type RedisFixture } from "./redis_fixture.ts";

/** Repairs limits, though a round was just now. */
async function round({ server, keys, queue }: RedisFixture): Promise<number> {
  await server.call("HDEL", keys.limitState(), "checked");
  return await queue.limits.unpark();
}

Deno.test("a parked job that another program has changed is queued: its start finds out what it is", async () => {
  await using fixture = await open();
  const { queue, server, keys, store } = fixture;
  for (const id of ["a", "text", "odd", "list", "ended", "started"]) await fixture.submit(id, { limits: ["gpu"] });
  await begin(queue);
  await server.call("SET", keys.job("text"), '{"payload":"true"}');
  await server.call("HSET", keys.job("odd"), "status", "pending");
  await server.call("DEL", keys.job("list"));
  await server.call("LPUSH", keys.job("list"), "x");
  await server.call("HSET", keys.job("ended"), "status", "error");
  await server.call("HSET", keys.job("started"), "status", "started");
  await store.limits.limitSet("gpu", 9);
  assertEquals(await fixture.list(keys.queue("r")), ["list", "odd", "text"]);
  assertEquals(await server.call("EXISTS", keys.parked("r")), 0);
});

for (const key of ["limits", "parking"] as const) {
  Deno.test(`a round finds parked jobs although another program has removed a key: ${key}`, async () => {
    await using fixture = await open();
    const { queue, server, keys, store } = fixture;
    await store.limits.limitSet("gpu", 0);
    for (const id of ["a", "b"]) await fixture.submit(id, { limits: ["gpu"] });
    assertEquals(await begin(queue), []);
    await server.call("DEL", keys.limits());
    if (key === "parking") await server.call("DEL", keys.parking("gpu"));
    await round(fixture);
    assertEquals(idsOf(await begin(queue)), ["a"]);
    const [{ key: name, parked }] = (await store.limits.read()).limits;
    assertEquals([name, parked], ["gpu", 1]);
  });
}

Deno.test("a round begins the time without starts anew when its end is not on record, or its beginning is to come", async () => {
  await using fixture = await open();
  const { queue, server, keys } = fixture;
  await fixture.submit("a", { limits: ["gpu"] });
  // another program has removed the record; Redis' clock went back behind the beginning
  for (const ahead of [null, 3_600_000]) {
    if (ahead === null) await server.call("DEL", keys.limitState());
    else {
      const since = await fixture.now() + ahead;
      await server.call("HSET", keys.limitState(), "since", since, "hold", since + 40_000, "checked", since);
    }
    assertEquals(await begin(queue), []);
    const heldMs = await queue.limits.unpark();
    assert(heldMs > 35_000 && heldMs <= 40_000, `${heldMs}`);
  }
  await fixture.endHold();
  await queue.limits.unpark(); // the last round was at a time to come
  assertEquals(idsOf(await begin(queue)), ["a"]);
});

Deno.test("rounds return the permit of a removed attempt, however many others hold one", async () => {
  await using fixture = await open();
  const { queue, server, keys, store } = fixture;
  await store.limits.limitSet("gpu", 150);
  for (let i = 0; i < 151; i++) await fixture.submit(`j${i}`, { limits: ["gpu"] });
  assertEquals((await begin(queue, 151)).length, 150);
  await server.call("HDEL", keys.attempts("r", "i"), "j149");
  await until("it is returned", async () => {
    await round(fixture);
    return (await fixture.list(keys.queue("r"))).length > 0;
  });
  assertEquals(idsOf(await begin(queue)), ["j150"]);
  await queue.finish(ended((await queue.owned())[0]));
  assertEquals(await server.call("ZCARD", keys.permits("gpu")), 149);
});
