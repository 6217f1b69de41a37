/** In which order parked jobs start when their queue is not claimed from at once, and how many are moved. */
import { assertEquals } from "../support/assert.ts";
import { begin, idsOf, open } from "./limits_fixture.ts";
import { ended, INFO } from "./redis_fixture.ts";

Deno.test("releases move no more jobs of a busy queue than permits are free, and none before an older one", async () => {
  await using fixture = await open();
  const { queue, store, keys } = fixture;
  const busy = fixture.runner({ runner: "q", nonce: "n2" });
  await busy.register(INFO);
  await store.limits.limitSet("gpu", 2);
  for (const id of ["r1", "r2", "r3", "r4", "r5"]) await fixture.submit(id, { limits: ["gpu"] });
  await begin(queue);
  for (const id of ["a", "b", "c", "d", "e"]) await fixture.submit(id, { runner: "q", limits: ["gpu"] });
  assertEquals(await begin(busy), []);
  await fixture.submit("plain", { runner: "q" });
  // nothing is claimed from q meanwhile
  for (let released = 0; released < 3; released++) {
    const [first] = await queue.owned();
    await queue.finish(ended(first));
    await begin(queue);
  }
  assertEquals(await fixture.list(keys.queue("q")), ["plain", "a"]);
  for (const attempt of await queue.owned()) await queue.finish(ended(attempt));
  assertEquals(await fixture.list(keys.queue("q")), ["plain", "b", "a"]);
  assertEquals(idsOf(await begin(busy)), ["a", "b", "plain"]);
  await store.limits.limitSet("gpu", 4);
  assertEquals(idsOf(await begin(busy)), ["c", "d"]);
});

Deno.test("a parked job starts before younger ones that are next in its queue, and after more urgent ones", async () => {
  await using fixture = await open();
  const { queue, keys } = fixture;
  for (const id of ["a", "old"]) await fixture.submit(id, { limits: ["gpu"] });
  const [a] = await begin(queue);
  for (const id of ["young1", "young2"]) await fixture.submit(id, { limits: ["gpu"] });
  await queue.finish(ended(a));
  assertEquals(await fixture.list(keys.queue("r")), ["young2", "young1", "old"]);
  assertEquals(idsOf(await begin(queue)), ["old"]); // the others are parked
  await fixture.submit("urgent", { limits: ["gpu"], priority: "high" });
  await queue.finish(ended((await queue.owned())[0]));
  assertEquals(await fixture.list(keys.queue("r")), ["urgent"]);
  assertEquals(idsOf(await begin(queue)), ["urgent"]);
  await queue.finish(ended((await queue.owned())[0]));
  assertEquals(idsOf(await begin(queue)), ["young1"]);
});

Deno.test("all parked jobs for which there are permits start one after the other, and wait for no round", async () => {
  await using fixture = await open();
  const { queue, store, server, keys } = fixture;
  await store.limits.limitSet("gpu", 0);
  for (let i = 0; i < 250; i++) await fixture.submit(`j${i}`, { limits: ["gpu"] });
  while (Number(await server.call("LLEN", keys.queue("r"))) > 0) await begin(queue);
  await store.limits.limitSet("gpu", 240);
  const started: string[] = [];
  while (Number(await server.call("LLEN", keys.queue("r"))) > 0) started.push(...idsOf(await begin(queue)));
  assertEquals(started, Array.from({ length: 240 }, (_, i) => `j${i}`));
  assertEquals(await server.call("ZCARD", keys.parked("r")), 10);
});
