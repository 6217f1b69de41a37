import type { OwnedAttempt } from "../../src/ports/queue.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { begin, open } from "./limits_fixture.ts";
import { ended, type RedisFixture } from "./redis_fixture.ts";

/** Commands of a plain life, as many as before there were limits and batches. */
const SUBMIT_CLAIM_FINISH = [
  "del=1 evalsha=1 exists=1 hset=1 lpush=1 publish=1 sadd=1 time=1 type=8 xadd=1 zadd=1",
  "evalsha=1 hget=2 hincrby=1 hmget=3 hset=3 hstrlen=2 lmove=1 lrem=1 publish=1 time=1 type=8 xadd=1 zadd=1",
  "evalsha=1 hdel=1 hget=2 hgetall=1 hset=2 pexpire=4 publish=1 time=1 type=4 xadd=1",
];

/** Runs a step; returns the commands that Redis carried out for it, those of scripts included. */
async function commandsOf({ server }: RedisFixture, step: () => Promise<unknown>): Promise<Record<string, number>> {
  await server.call("CONFIG", "RESETSTAT");
  await step();
  const info = String(await server.call("INFO", "commandstats"));
  const found = [...info.matchAll(/^cmdstat_(?!config)([a-z]+)\S*:calls=([1-9]\d*)/gm)];
  return Object.fromEntries(found.map(([, name, calls]) => [name, Number(calls)]));
}

const sumOf = (commands: Record<string, number>) => Object.values(commands).reduce((sum, calls) => sum + calls, 0);

Deno.test("a job without limits costs no command more than before there were limits, though others have some", async () => {
  await using fixture = await open();
  const { queue, store } = fixture;
  await store.limits.limitSet("gpu", 1);
  for (const id of ["warm", "held", "parked"]) {
    await fixture.submit(id, id === "warm" ? {} : { limits: ["gpu"] });
    const [attempt] = await begin(queue);
    if (id === "warm") await queue.finish(ended(attempt));
  }
  let plain: OwnedAttempt;
  const costs = [
    await commandsOf(fixture, () => fixture.submit("a")),
    await commandsOf(fixture, async () => [plain] = await begin(queue, 1)),
    await commandsOf(fixture, () => queue.finish(ended(plain))),
  ];
  const shown = costs.map((one) => Object.entries(one).map(([name, calls]) => `${name}=${calls}`).sort().join(" "));
  assertEquals(shown, SUBMIT_CLAIM_FINISH);
});

Deno.test("ten thousand parked jobs cost neither a plain job nor one with a limit a command", async () => {
  await using fixture = await open();
  const { queue, store, server, keys } = fixture;
  await store.limits.limitSet("gpu", 1);
  const cycle = async (id: string) => {
    await fixture.submit("plain" + id);
    const [plain] = await begin(queue);
    await queue.finish(ended(plain));
  };
  const next = async () => {
    const [running] = (await queue.owned()).filter(({ id }) => id.startsWith("g"));
    const end = await commandsOf(fixture, () => queue.finish(ended(running)));
    return sumOf(end) + sumOf(await commandsOf(fixture, () => begin(queue)));
  };
  const submit = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, i) => fixture.submit(`g${from + i}`, { limits: ["gpu"] })));
  await submit(0, 12);
  await begin(queue);
  await next();
  await cycle("warm");
  const [few, fewNext] = [sumOf(await commandsOf(fixture, () => cycle("1"))), await next()];
  await submit(12, 10_012);
  let claims = 0;
  while (Number(await server.call("LLEN", keys.queue("r"))) > 0) {
    await begin(queue);
    claims++;
  }
  assert(claims <= 101, `${claims} claims`);
  assert(Number(await server.call("ZCARD", keys.parked("r"))) >= 10_000);
  const [many, manyNext] = [sumOf(await commandsOf(fixture, () => cycle("2"))), await next()];
  assertEquals([many, manyNext], [few, fewNext]);
});
