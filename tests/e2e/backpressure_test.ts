import { assert, assertEquals } from "../support/assert.ts";
import { Heartbeats } from "../support/heartbeats.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Ids in the queue, in the claim lists, and jobs that run, all of one moment. */
const COUNTS = `local claims = 0
for _, key in ipairs(redis.call('KEYS', 'rr:claim:*')) do claims = claims + redis.call('LLEN', key) end
return { redis.call('LLEN', KEYS[1]), claims }`;

async function counts(fixture: RunnerFixture): Promise<{ queued: number; claims: number }> {
  const [queued, claims] = await fixture.redis.call("EVAL", COUNTS, 1, `runner:${fixture.name}`) as number[];
  return { queued, claims };
}

Deno.test("a runner claims no job that it cannot start", async () => {
  await using fixture = await RunnerFixture.create();
  const barrier = new Barrier(fixture.dir);
  const ids = [];
  for (let i = 0; i < 40; i++) ids.push(await fixture.push({ payload: barrier.wait, executor: "tmux.bench" }));
  await fixture.runner({ args: ["--concurrency", "3"] });
  for (const id of ids.slice(0, 3)) await fixture.reaches(id, "started");
  // a first heartbeat later it would have taken more
  for (let reads = 0; reads < 50; reads++) assertEquals(await counts(fixture), { queued: 37, claims: 0 });
  await barrier.open();
  let most = 0;
  await until("the queue is empty", async () => {
    const { queued, claims } = await counts(fixture);
    most = Math.max(most, claims);
    return queued === 0;
  });
  for (const id of ids) assertEquals((await fixture.ended(id)).status, "finished");
  assert(most <= 3, `${most} jobs were claimed at once`);
});

Deno.test("a runner goes on sending heartbeats while jobs pour in faster than it can run them", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--concurrency", "4", "--heartbeat", "0.1"] });
  const heartbeats = new Heartbeats(fixture);
  const batch = `{"payload":"true"}\n`.repeat(1_000);
  for (let batches = 0; heartbeats.seen < 10; batches++) {
    assert(batches < 30, `${heartbeats.seen} heartbeats came while ${batches * 1_000} jobs were submitted`);
    assertEquals((await fixture.run(["submit", "--from", "-"], { input: batch })).code, 0);
  }
  assert((await counts(fixture)).queued > 0, "the queue was empty");
  assert(Math.max(...await heartbeats.gaps()) < 30_000, "the lease ended meanwhile");
});
