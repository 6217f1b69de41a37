import type { RedisAccess } from "../../src/ports/redis_access.ts";
import { connect } from "../../src/redis/client.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { RedisServer } from "../support/redis_server.ts";

Deno.test("a Redis of a runner's own that starts anew with the same password is known by its new proof", async () => {
  await using server = await RedisServer.start();
  const access = (proof: string): RedisAccess => ({ password: "chosen", proof: proof.repeat(64) });
  await server.call("CONFIG", "SET", "masterauth", access("b").proof);
  const own = { known: access("a"), find: () => Promise.resolve(access("b")), file: "" };
  await server.call("CONFIG", "SET", "requirepass", "chosen");
  const target = { url: parseRedisUrl(`127.0.0.1:${server.port}`), own };
  (await connect(target)).close();
  assertEquals(own.known, access("b"));
  const other = { ...target, own: { ...own, known: access("c"), find: () => Promise.resolve(access("c")) } };
  await assertRejects(() => connect(other), Error, "another program has the address");
});
