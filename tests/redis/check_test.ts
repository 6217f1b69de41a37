import { checkServer } from "../../src/redis/open.ts";
import { judgeDefaultUser, judgeServer } from "../../src/redis/check.ts";
import { OLDEST_REDIS } from "../../src/domain/versions.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { placeAt } from "./redis_fixture.ts";

const NOW = 1_800_000_000_000;
const good = {
  redis_version: "7.0.15",
  role: "master",
  aof_enabled: "1",
  maxmemory: "0",
  maxmemory_policy: "noeviction",
  cluster_enabled: "0",
  server_time_usec: String(NOW * 1_000),
};

Deno.test("judgeServer() finds what would lose jobs, with a remedy", () => {
  const rows: [Partial<typeof good>, string, string[]][] = [
    [{}, "", []],
    [{ redis_version: `${OLDEST_REDIS}.0` }, "", []],
    [{ redis_version: "6.2.16" }, "", ["error version"]],
    [{ redis_version: "10.1.0" }, "", []],
    [{ redis_version: "6.0.16" }, "", ["error version"]],
    [{ redis_version: "5.0.7" }, "", ["error version"]],
    [{ role: "slave" }, "", ["error role"]],
    [{ aof_enabled: "0" }, "", ["warning persistence"]],
    [{ maxmemory_policy: "allkeys-lru", maxmemory: "1" }, "", ["error eviction"]],
    [{ maxmemory_policy: "allkeys-lru" }, "", ["warning eviction"]],
    [{ maxmemory_policy: "volatile-ttl", maxmemory: "1" }, "", ["warning eviction"]],
    [{ cluster_enabled: "1" }, "production:", ["error cluster"]],
    [{ cluster_enabled: "1" }, "{production}:", []],
    [{ cluster_enabled: "1" }, "a{b}c:", []],
    [{ cluster_enabled: "1" }, "{}{a}:", ["error cluster"]],
    [{ server_time_usec: String((NOW + 6_000) * 1_000) }, "", ["warning clock"]],
    [{ server_time_usec: String((NOW - 6_000) * 1_000) }, "", ["warning clock"]],
    [{ server_time_usec: String((NOW - 4_000) * 1_000) }, "", []],
  ];
  for (const [change, namespace, expected] of rows) {
    const info = Object.entries({ ...good, ...change }).map(([name, value]) => `${name}:${value}\r\n`).join("# X\r\n");
    const found = judgeServer(info, { namespace, nowMs: NOW });
    assertEquals(found.map(({ severity, subject }) => `${severity} ${subject}`), expected, JSON.stringify(change));
    for (const { says, remedy } of found) assertEquals([says.endsWith("."), remedy.endsWith(".")], [false, false]);
  }
});

Deno.test("judgeServer() is silent about what a Redis does not report", () => {
  assertEquals(judgeServer("", { namespace: "", nowMs: NOW }), []);
});

Deno.test("checkServer() judges a real server", async () => {
  await using server = await RedisServer.start({
    persistence: "aof-everysec",
    config: { "maxmemory-policy": "allkeys-lru" },
  });
  const found = await checkServer(placeAt(server.address), () => Date.now());
  assertEquals(found.map(({ subject }) => subject), ["eviction"]);
  const late = await checkServer(placeAt(server.address), () => Date.now() - 3_600_000);
  assertEquals(late.map(({ subject, says }) => [subject, says.includes("3600 s ahead")]), [["eviction", false], [
    "clock",
    true,
  ]]);
});

Deno.test("checkServer() rejects when no server replies", async () => {
  await assertRejects(() => checkServer(placeAt(`127.0.0.1:${freePort()}`), () => 0));
});

Deno.test("checkServer() warns of an append-only file that a restart would not read whole", async () => {
  for (const persistence of ["aof-always", "none"] as const) {
    await using server = await RedisServer.start({ persistence });
    await server.call("ACL", "SETUSER", "seer", "on", ">pw", "~*", "&*", "+@all");
    await server.call("ACL", "SETUSER", "blind", "on", ">pw", "~*", "&*", "+@all", "-acl");
    const found = async (user: string) =>
      (await checkServer(placeAt(`redis://${user}:pw@${server.address}`), () => Date.now()))
        .map(({ subject }) => subject).filter((subject) => subject === "acl");
    assertEquals(await found("seer"), []);
    await server.call("ACL", "SETUSER", "default", "resetkeys", "~other:*");
    assertEquals(await found("seer"), persistence === "none" ? [] : ["acl"]);
    assertEquals(await found("blind"), []);
  }
});

Deno.test("judgeDefaultUser() reads the replies of Redis 6 and later", () => {
  const user = (flags: string[], commands: string, keys: string | string[]) =>
    judgeDefaultUser(["flags", flags, "passwords", [], "commands", commands, "keys", keys, "channels", ""]).length;
  assertEquals(user(["off"], "-@all", ""), 1);
  assertEquals(user(["off"], "-@all", []), 1);
  assertEquals(user(["off"], "+@all", "~*"), 0);
  assertEquals(user(["on", "nopass"], "+@all", "%RW~*"), 0);
  assertEquals(user(["on", "allkeys", "allchannels", "allcommands", "nopass"], "+@all", ["*"]), 0);
  assertEquals(user(["on", "nopass"], "+@all -flushall", "~*"), 1);
  assertEquals(user(["on", "nopass"], "+@all", "~production:*"), 1);
  assertEquals(judgeDefaultUser(null), []);
});
