import { RefusedError } from "../../src/domain/errors.ts";
import { aclRules } from "../../src/redis/acl.ts";
import { openQueue } from "../../src/redis/open.ts";
import { openStore } from "../../src/redis/open_store.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { RawClient, RedisServer } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { clientSteps, prepare, runnerSteps } from "./everything.ts";
import { NAMESPACE, placeAt, RedisFixture } from "./redis_fixture.ts";

/** Commands that a server has run since the last RESETSTAT. */
async function commandsOf(server: RedisServer): Promise<Set<string>> {
  const info = String(await server.call("INFO", "commandstats"));
  return new Set([...info.matchAll(/^cmdstat_([a-z|]+):calls=[1-9]/gm)].map(([, name]) => name));
}

for (const role of ["runner", "client"] as const) {
  Deno.test(`aclRules() for a ${role} allow all that it does, and nothing that it does not`, async () => {
    await using fixture = await RedisFixture.open({ config: { databases: "2" } });
    const { server } = fixture;
    await prepare(
      fixture.store,
      fixture.queue,
      fixture.runner({ instance: "gone", nonce: "n0" }),
      () => fixture.endHold(),
    );
    await fixture.expire("gone");
    await server.call("SET", fixture.keys.job("e"), "{}");
    const rules = aclRules(role, NAMESPACE);
    await server.call("ACL", "SETUSER", "bob", "on", ">pw", ...rules);
    await server.call("CONFIG", "RESETSTAT");

    const place = placeAt(`redis://bob:pw@${server.address}`);
    const store = openStore(place);
    const queue = openQueue(place, { runner: "r", instance: "i", nonce: "n1" });
    const stop = new AbortController();
    for (const [name, step] of role === "runner" ? runnerSteps(queue) : clientSteps(store)) {
      await step().catch((error) => {
        throw new Error(`${role} may not ${name}: ${error.message}`);
      });
    }
    if (role === "runner") {
      let calls = 0;
      queue.onWakeUp(() => calls++);
      await until("it listens", () => calls > 0);
    } else {
      let woken = 0;
      const listen = async (id: string) => {
        for await (const _ of store.changes(id, 60_000, stop.signal)) woken++;
      };
      const first = listen("a");
      await until("it listens", () => woken === 1);
      const leaving = new AbortController();
      const second = (async () => {
        for await (const _ of store.changes("b", 60_000, leaving.signal)) woken++;
      })();
      const used = await commandsOf(server);
      assert(used.has("subscribe"));
      leaving.abort();
      await second;
      await until("it left one channel", async () => (await commandsOf(server)).has("unsubscribe"));
      stop.abort();
      await first;
    }
    store.close();
    queue.close();

    const used = await commandsOf(server);
    const allowed = rules.filter((rule) => rule.startsWith("+")).map((rule) => rule.slice(1));
    // SELECT is for URLs with a database
    assertEquals(allowed.filter((name) => !used.has(name) && name !== "select"), [], "allowed and never used");
    assertEquals(new Set(allowed).size, allowed.length, "named twice");
  });
}

Deno.test("aclRules() keep a user out of everything else", async () => {
  await using server = await RedisServer.start();
  await server.call("ACL", "SETUSER", "bob", "on", ">pw", ...aclRules("runner", "a*:"));
  await using bob = await RawClient.connect(server.port);
  await bob.call("AUTH", "bob", "pw");
  assertEquals(await bob.call("HSET", "a*:job_x", "f", "v"), 1);
  const forbidden: string[][] = [
    ["HSET", "ab:job_x", "f", "v"],
    ["HSET", "a*:other", "f", "v"],
    ["FLUSHALL"],
    ["KEYS", "*"],
    ["CONFIG", "GET", "*"],
    ["PUBLISH", "other", "x"],
    ["EVAL", "return redis.call('HSET', 'other', 'f', 'v')", "0"],
    ["EVAL", "return redis.call('FLUSHALL')", "0"],
  ];
  for (const command of forbidden) await assertRejects(() => bob.call(...command), Error, "", command.join(" "));
  assertEquals(await server.keys(), ["a*:job_x"]);
});

Deno.test("a user without a right that a script needs is refused, by name", async () => {
  await using fixture = await RedisFixture.open();
  const rules = aclRules("client", NAMESPACE).filter((rule) => rule !== "+xadd");
  await fixture.server.call("ACL", "SETUSER", "bob", "on", ">pw", ...rules);
  const store = openStore(placeAt(`redis://bob:pw@${fixture.server.address}`));
  const submission = { id: "a", payload: "x", runner: "r", executor: "tmux.main" };
  const { message } = await assertRejects(() => store.submit(submission), RefusedError);
  assertMatch(message, /^Cannot run submit: .* does not let user "bob" do that/);
  store.close();
});
