import { Client, InvalidInputError, Runner } from "../../src/mod.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { World } from "../support/world.ts";

Deno.test("Runner.open() refuses what runner run refuses, and takes undefined for nothing", async () => {
  await using world = await World.create();
  const wrong = [{ name: "" }, { concurrency: 0 }, { concurrency: 1.5 }, { spool: "" }, { beat: NaN }];
  for (const options of wrong) {
    const [key] = Object.keys(options);
    await assertRejects(() => Runner.open(options), InvalidInputError, `Cannot use option "${key}": `);
  }
  const place = { redisUrl: world.redis.address, spool: `${world.dir}/spool`, tmuxSocket: world.socket };
  const runner = await Runner.open({ ...place, name: world.name, concurrency: undefined, burst: true });
  await using client = await Client.connect({ redisUrl: world.redis.address, redisTimeout: undefined });
  const id = await client.submit({ payload: "exit 7", runner: world.name });
  await runner.start();
  await runner.ended();
  await runner.stop();
  assertEquals((await client.wait(id)).exitCode, 7);
  await world.tmux("kill-server"); // the world ends only those of its own runners
});

Deno.test("what waits on a client that is closed ends", async () => {
  await using world = await World.create();
  const client = await Client.connect({ redisUrl: world.redis.address });
  const id = await client.submit({ payload: "true", runner: world.name });
  const waits = [client.wait(id), client.follow(id, () => {})].map((wait) =>
    assertRejects(() => wait, Error, "closed")
  );
  await client[Symbol.asyncDispose]();
  await Promise.all(waits);
});
