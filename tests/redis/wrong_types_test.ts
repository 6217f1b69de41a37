/** Whatever type of value stands in any key of ours: no script fails half-way, and foreign values stay. */
import { UnavailableError } from "../../src/domain/errors.ts";
import type { Trouble } from "../../src/ports/queue.ts";
import { Keys } from "../../src/redis/keys.ts";
import { openQueue } from "../../src/redis/open.ts";
import { openStore, type Place } from "../../src/redis/open_store.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { RedisServer } from "../support/redis_server.ts";
import { clientSteps, prepare, runnerSteps } from "./everything.ts";
import { INFO, NAMESPACE, placeAt } from "./redis_fixture.ts";

const VALUES: Record<string, string[]> = {
  string: ["SET", "KEY", "{}"],
  list: ["RPUSH", "KEY", "foreign"],
  set: ["SADD", "KEY", "foreign"],
  zset: ["ZADD", "KEY", "1", "foreign"],
  hash: ["HSET", "KEY", "foreign", "1"],
  stream: ["XADD", "KEY", "1-1", "foreign", "1"],
};

/** Steps that are one plain command, or begin with one; a wrong type is their own clear error. */
const PLAIN = ["wait", "claimed", "owned", "holdings", "peers", "due", "length", "sweep", "purge", "output"];
const READS = [
  "running",
  "summaries",
  "newestEvents",
  "eventsAfter",
  "place",
  "newest",
  "indexed",
  "indexSize",
  "waiting",
  "withPrefix",
  "instances",
  "queues",
  "deadLetters",
];
/** Steps that replace the value of a key that is wholly ours: of a job that is new, or that its host restores. */
const REPLACES = ["submit", "reassert", "restore", "convert", "retire", "register", "sweep", "purge", "pause"];

/** The keys of runner `r` and of job `a`, with the right type. */
function everyKey(keys: Keys): [string, string][] {
  return [
    ...[["job", keys.job("a"), "hash"], ["x", keys.meta("a"), "hash"], ["out", keys.output("a"), "stream"]],
    ...[["skipped", keys.skipped("a"), "set"], ["unsettled", keys.unsettled(), "set"]],
    ...[["batch", keys.batch("m"), "hash"], ["batches", keys.batches(), "zset"], ["member", keys.meta("m.1"), "hash"]],
    ...[["batch of a client", keys.batch("u2"), "hash"], ["job of a batch", keys.job("u2"), "hash"]],
    ...[["limits", keys.limits(), "hash"], ["state of limits", keys.limitState(), "hash"]],
    ...[["permits", keys.permits("gpu"), "zset"], ["parking", keys.parking("gpu"), "set"]],
    ...[["parked", keys.parked("r"), "zset"], ["held", keys.held("r", "i"), "hash"]],
    ...[["after", keys.after("a"), "set"], ["queue", keys.queue("r"), "list"], ["low", keys.low("r"), "list"]],
    ...[["delay", keys.delay("r"), "zset"], ["claim", keys.claim("r", "i"), "list"], [
      "run",
      keys.attempts("r", "i"),
      "hash",
    ]],
    ...[["lease", keys.lease("r"), "zset"], ["node", keys.instance("r", "i"), "hash"], ["dead", keys.dead(), "zset"]],
    ...[["jobs", keys.jobs(), "zset"], ["names", keys.names(), "set"], ["events", keys.events(), "stream"]],
    ...[["history", keys.history("r"), "hash"], ["queue of q", keys.queue("q"), "list"], [
      "paused",
      keys.paused("r"),
      "string",
    ], [
      "dead x",
      keys.meta("g"),
      "hash",
    ]],
  ].map(([, key, type]) => [key, type]);
}

/** Does everything while one key holds a foreign value. */
async function tryAll(server: RedisServer, place: Place, foreign: { key: string; type: string }): Promise<void> {
  const store = openStore(place);
  const [queue, lost] = ["i", "gone"].map((instance) => openQueue(place, { runner: "r", instance, nonce: "n1" }));
  const { key, type } = foreign;
  const put = VALUES[type].map((word) => word === "KEY" ? key : word);
  await prepare(store, queue, lost, () => server.call("HSET", new Keys(NAMESPACE).limitState(), "hold", 0));
  await server.call("ZADD", new Keys(NAMESPACE).lease("r"), 1, "gone");
  for (const [name, step] of [...runnerSteps(queue), ...clientSteps(store)]) {
    await server.call("DEL", key);
    await server.call(...put);
    const before = await server.changes();
    const where = `${name} with a ${type} in ${key}`;
    try {
      await step();
      if (!REPLACES.includes(name)) assertEquals(await server.call("TYPE", key), type, where);
    } catch (error) {
      assert(error instanceof UnavailableError, `${where}: ${error}`);
      const { code, condition } = error as UnavailableError & Trouble;
      assertEquals(condition, "unfit", where);
      assert(
        code === "UNFIT" || (PLAIN.includes(name) || READS.includes(name)) && code === "WRONGTYPE",
        `${where}: ${error}`,
      );
      if (code === "UNFIT") {
        assert(error.message.includes(JSON.stringify(key)), error.message);
        assertEquals(await server.changes(), before, where);
      }
    }
  }
  for (const one of [store, queue, lost]) one.close();
}

for (const type of Object.keys(VALUES)) {
  Deno.test(`a foreign ${type} in any key does no harm`, async () => {
    await using server = await RedisServer.start();
    for (const [key, right] of everyKey(new Keys(NAMESPACE))) {
      if (right !== type) await tryAll(server, placeAt(server.address), { key, type });
      await server.call("FLUSHALL");
    }
  });
}

Deno.test("a foreign value in the place of the history of a name keeps its time to live", async () => {
  await using server = await RedisServer.start();
  const queue = openQueue(placeAt(server.address), { runner: "r", instance: "i", nonce: "n1" });
  const key = new Keys(NAMESPACE).history("r");
  await server.call("SET", key, "foreign");
  await queue.register(INFO);
  assert(await queue.retire());
  assertEquals(await server.call("PTTL", key), -1);
  await server.call("PEXPIRE", key, 3_600_000);
  await queue.register(INFO);
  assert(Number(await server.call("PTTL", key)) > 0);
  queue.close();
});
