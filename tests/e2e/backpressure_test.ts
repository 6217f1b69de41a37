import { assert, assertEquals } from "../support/assert.ts";
import { Beats } from "../support/beats.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** Ids in the queue, in the claim lists, and jobs that run, all of one moment. */
const COUNTS = `local claims = 0
for _, key in ipairs(redis.call('KEYS', 'rr:claim:*')) do claims = claims + redis.call('LLEN', key) end
return { redis.call('LLEN', KEYS[1]), claims }`;

async function counts(world: World): Promise<{ queued: number; claims: number }> {
  const [queued, claims] = await world.redis.call("EVAL", COUNTS, 1, `runner:${world.name}`) as number[];
  return { queued, claims };
}

Deno.test("a runner claims no job that it cannot start", async () => {
  await using world = await World.create();
  const gate = new Gate(world.dir);
  const ids = [];
  for (let i = 0; i < 40; i++) ids.push(await world.push({ payload: gate.wait, executor: "tmux.bench" }));
  await world.runner({ args: ["--concurrency", "3"] });
  for (const id of ids.slice(0, 3)) await world.reaches(id, "started");
  // a first beat later it would have taken more
  for (let looks = 0; looks < 50; looks++) assertEquals(await counts(world), { queued: 37, claims: 0 });
  await gate.open();
  let most = 0;
  await until("the queue is empty", async () => {
    const { queued, claims } = await counts(world);
    most = Math.max(most, claims);
    return queued === 0;
  });
  for (const id of ids) assertEquals((await world.ended(id)).status, "finished");
  assert(most <= 3, `${most} jobs were claimed at once`);
});

Deno.test("a runner goes on beating while jobs pour in faster than it can run them", async () => {
  await using world = await World.create();
  await world.runner({ args: ["--concurrency", "4", "--beat", "0.1"] });
  const beats = new Beats(world);
  const batch = `{"payload":"true"}\n`.repeat(1_000);
  for (let batches = 0; beats.seen < 10; batches++) {
    assert(batches < 30, `${beats.seen} beats came while ${batches * 1_000} jobs were submitted`);
    assertEquals((await world.run(["submit", "--from", "-"], { input: batch })).code, 0);
  }
  assert((await counts(world)).queued > 0, "the queue was empty");
  assert(Math.max(...await beats.gaps()) < 30_000, "the lease ended meanwhile");
});
