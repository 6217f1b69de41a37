import { UnavailableError } from "../../src/domain/errors.ts";
import { Keys } from "../../src/redis/keys.ts";
import { checkServer, openQueue } from "../../src/redis/open.ts";
import { openStore } from "../../src/redis/open_store.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { freePort, RedisServer, type RedisServerOptions } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { clientSteps, prepare, runnerSteps } from "./everything.ts";
import { INFO, placeAt } from "./redis_fixture.ts";

/** How to start a node; the port of its own kind would be too high for some ports. */
function nodeOptions(): RedisServerOptions {
  return { persistence: "aof-everysec", config: { "cluster-enabled": "yes", "cluster-port": String(freePort()) } };
}

/** Waits until a node serves the slots. */
async function ready(node: RedisServer): Promise<void> {
  await until("the cluster is ready", async () => {
    return String(await node.call("CLUSTER", "INFO")).includes("cluster_state:ok");
  });
}

/** Gives a node all slots. */
async function alone(node: RedisServer): Promise<void> {
  await node.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
  await ready(node);
}

Deno.test("everything works in a cluster when the namespace has a hash tag", async () => {
  await using server = await RedisServer.start(nodeOptions());
  await alone(server);
  const namespace = "{test}:";
  const place = placeAt(server.address, namespace);
  const store = openStore(place);
  const queue = openQueue(place, { runner: "r", instance: "i", nonce: "n1" });
  const lost = openQueue(place, { runner: "r", instance: "gone", nonce: "n0" });
  try {
    const keys = new Keys(namespace);
    await prepare(store, queue, lost, () => server.call("HSET", keys.limitState(), "hold", 0));
    await server.call("ZADD", keys.lease("r"), 1, "gone");
    await server.call("SET", keys.job("e"), "{}");
    for (const [name, step] of [...runnerSteps(queue), ...clientSteps(store)]) {
      await step().catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    }
    await store.submit({ id: "last", payload: "true", runner: "r", executor: "tmux.main" });
    const claimed = await queue.claim(50, ["tmux.main"]);
    assert(claimed !== "FENCED");
    const last = claimed.find(({ raw }) => new TextDecoder().decode(raw) === "last");
    assertEquals(last?.reply?.type, "OK", "claimed and started in one step");
    assertEquals(await checkServer(place, () => Date.now()), []);
    const slots = await Promise.all((await server.keys()).map((key) => server.call("CLUSTER", "KEYSLOT", key)));
    assertEquals(new Set(slots).size, 1);
  } finally {
    for (const one of [store, queue, lost]) one.close();
  }
});

Deno.test("a namespace without a hash tag is refused in a cluster by a sentence that names the remedy", async () => {
  await using server = await RedisServer.start(nodeOptions());
  await alone(server);
  const place = placeAt(server.address, "test:");
  const store = openStore(place);
  const queue = openQueue(place, { runner: "r", instance: "i", nonce: "n1" });
  try {
    const job = { id: "a", payload: "true", runner: "r", executor: "tmux.main" };
    for (const step of [() => store.submit(job), () => queue.register(INFO)]) {
      const { message } = await assertRejects(step, UnavailableError);
      assertMatch(message, /is a cluster: use a namespace with a hash tag, such as "\{production\}"$/);
    }
    assertEquals((await checkServer(place, () => Date.now())).map(({ subject }) => subject), ["cluster"]);
    assertEquals(await server.keys(), []);
  } finally {
    store.close();
    queue.close();
  }
});

Deno.test("the program runs a job in a cluster with a hash tag, and ends with a sentence without one", async () => {
  await using fixture = await RunnerFixture.create(nodeOptions());
  await alone(fixture.redis);
  // the socket that the fixture ends, whatever the namespace
  const env = { RUNNER_NAMESPACE: "{prod}", RUNNER_TMUX_SOCKET: fixture.socket };
  await fixture.runner({ env });
  const { code, stdout } = await fixture.run(["submit", "--follow", "echo one; exit 3"], { env });
  assertEquals([code, stdout], [3, "one\n"]);
  for (const command of [["run"], ["submit", "true"]]) {
    const refused = await fixture.run(command);
    assertEquals(refused.code, 69, refused.stderr);
    assertMatch(refused.stderr, /is a cluster.* hash tag, such as "\{production\}"/);
  }
});

Deno.test("a node that does not have the keys names the one that has", async () => {
  await using first = await RedisServer.start(nodeOptions());
  await using second = await RedisServer.start(nodeOptions());
  await first.call("CLUSTER", "ADDSLOTSRANGE", 0, 8191);
  await second.call("CLUSTER", "ADDSLOTSRANGE", 8192, 16383);
  const [, port] = String(await first.call("CONFIG", "GET", "cluster-port")).split(",");
  await second.call("CLUSTER", "MEET", "127.0.0.1", first.port, port);
  await Promise.all([ready(first), ready(second)]);
  const namespace = "{production}:";
  const slot = await first.call("CLUSTER", "KEYSLOT", namespace) as number;
  const [right, wrong] = slot < 8192 ? [first, second] : [second, first];
  const stores = [right, wrong].map((node) => openStore(placeAt(node.address, namespace)));
  try {
    const job = { id: "a", payload: "true", runner: "r", executor: "tmux.main" };
    const { message } = await assertRejects(() => stores[1].submit(job), UnavailableError);
    assert(message.includes(`and ${right.address} has the keys: use that address`), message);
    assertEquals(await stores[0].submit(job), { type: "OK" });
  } finally {
    for (const store of stores) store.close();
  }
});
