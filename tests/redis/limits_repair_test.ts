/** What rounds and moves make good after other programs have changed or removed what limits need. */
import { assertEquals } from "../support/assert.ts";
import { begin, open } from "./limits_fixture.ts";

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
